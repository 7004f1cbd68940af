// Time, threads and the plain loop that the log is compared with.

import EventLog
import Glibc

func now() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

func seconds(since start: UInt64) -> Double { Double(now() - start) / 1e9 }

func fixed(_ value: Double, _ digits: Int) -> String {
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  return "\((value * scale).rounded() / scale)"
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
func millions(_ rates: [Double]) -> String { fixed(median(rates) / 1e6, 2) }
func percent(_ ratios: [Double]) -> String { "\(Int((median(ratios) * 100).rounded()))%" }

/// Appends to a file by write, with so many fdatasyncs spread over it. Writes per second.
func plainWrites(_ path: String, bytes: Int, count: Int, syncs: Int) throws -> Double {
  let file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
  precondition(file >= 0)
  defer {
    close(file)
    unlink(path)
  }
  let buffer = [UInt8](repeating: 7, count: bytes)
  var done = 0
  let start = now()
  for number in 1...count {
    precondition(write(file, buffer, bytes) == bytes)
    if number * syncs / count > done {
      precondition(fdatasync(file) == 0)
      done += 1
    }
  }
  return Double(count) / seconds(since: start)
}

func removeTree(_ path: String) {
  for name in (try? PosixFileSystem().list(path)) ?? [] {
    if unlink(path + "/" + name) != 0 { removeTree(path + "/" + name) }
  }
  rmdir(path)
}

final class Semaphore: @unchecked Sendable {
  private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
  init(_ count: UInt32) { sem_init(semaphore, 0, count) }
  deinit { semaphore.deallocate() }
  func wait() { while sem_wait(semaphore) != 0 {} }
  func signal() { sem_post(semaphore) }
}

final class Caller {
  private var thread = pthread_t()
  private final class Body {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
  }

  init(_ run: @escaping () -> Void) {
    let body = Unmanaged.passRetained(Body(run))
    pthread_create(
      &thread, nil,
      { raw in
        Unmanaged<Body>.fromOpaque(raw!).takeRetainedValue().run()
        return nil
      }, body.toOpaque())
  }

  func join() { pthread_join(thread, nil) }
}
