// EchoServer as a process of its own: what needs limits, signals and inherited sockets.

import CSystem
import Glibc
import Testing
import Wire

@testable import Transport

/// EchoServer in a child process, stopped at the end.
private final class Child {
  let path: String
  private let directory = TemporaryDirectory()
  private var process: pid_t = 0
  private var output: Int32 = -1

  /// `prelude` is shell that runs before EchoServer takes the shell's place; `inherited` becomes descriptor 3.
  init(prelude: String = "", options: String = "", inherited: Int32? = nil) throws {
    path = directory.path + "/echo.sock"
    var pipes: [Int32] = [0, 0]
    guard pipe(&pipes) == 0 else { throw Status(.internal, "pipe") }
    let command = "\(prelude) exec '\(Self.executable)' '\(path)' \(options)"
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, pipes[1], 1)
    posix_spawn_file_actions_addclose(&actions, pipes[0])
    if let inherited { posix_spawn_file_actions_adddup2(&actions, inherited, 3) }
    defer { posix_spawn_file_actions_destroy(&actions) }
    var arguments: [UnsafeMutablePointer<CChar>?] =
      (["/bin/sh", "-c", command] as [String]).map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    let outcome = posix_spawn(&process, "/bin/sh", &actions, nil, &arguments, environ)
    close(pipes[1])
    output = pipes[0]
    guard outcome == 0, try line() == "ready" else { throw Status(.internal, "EchoServer did not start") }
  }

  deinit {
    if process > 0 {
      kill(process, SIGKILL)
      waitpid(process, nil, 0)
    }
    close(output)
  }

  /// The next line that it prints.
  func line() throws -> String {
    var bytes: [UInt8] = []
    while true {
      guard cowbird_poll(output, Int16(POLLIN), 300_000_000_000) == 1 else {
        throw Status(.deadlineExceeded, "silent")
      }
      var byte: UInt8 = 0
      guard read(output, &byte, 1) == 1 else { throw Status(.unavailable, "it has ended") }
      if byte == UInt8(ascii: "\n") { return String(decoding: bytes, as: UTF8.self) }
      bytes.append(byte)
    }
  }

  func terminate() { kill(process, SIGTERM) }

  /// Processor time used so far, in clock ticks.
  func ticks() -> Int {
    let fields = text("/proc/\(process)/stat").split(separator: " ")
    return (Int(fields[13]) ?? 0) + (Int(fields[14]) ?? 0)
  }

  /// Memory in use that is its own, in bytes.
  func residentBytes() -> Int {
    (text("/proc/\(process)/statm").split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4096
  }

  private func text(_ path: String) -> String {
    let file = open(path, O_RDONLY)
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(file, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }

  /// Beside the test's own executable.
  private static var executable: String {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = bytes.withUnsafeMutableBytes { readlink("/proc/self/exe", $0.baseAddress!, $0.count) }
    let own = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    let inBundle = own.split(separator: "/").dropLast().joined(separator: "/")
    return "/\(inBundle)/EchoServer"
  }
}

@Suite(.serialized) struct ProcessTests {
  @Test("with no descriptors left, accepting pauses; those connected are served; it goes on when one closes")
  func descriptorsExhausted() throws {
    // Room for twenty beside whatever this process handed down.
    let child = try Child(prelude: "ulimit -n $(($(ls /proc/$$/fd | wc -l) + 20));")
    var peers: [Peer] = []
    for _ in 0..<40 { peers.append(try Peer(child.path)) }
    // Those that were accepted are served; the rest wait in the kernel's queue.
    var served = 0
    for peer in peers {
      peer.send(.request(1))
      if (try? peer.receive(withinMilliseconds: 2000))?.streamID == 1 { served += 1 } else { break }
    }
    #expect(served > 5 && served < 40, "\(served)")
    let before = child.ticks()
    usleep(300_000)
    #expect(child.ticks() - before < 10, "it must not spin while it waits")
    #expect(try peers[0].ask(.request(3)).streamID == 3)
    // The first that was not served has sent its request already.
    let waiting = peers[served]
    peers.removeSubrange(0..<5)
    #expect(try waiting.receive().streamID == 1)
  }

  @Test("SIGTERM finishes what is in flight, removes the socket and ends the process")
  func terminate() throws {
    let child = try Child(options: "--reactors 2")
    let peers = try (0..<8).map { _ in try Peer(child.path) }
    for peer in peers { peer.send(.request(1, Echo.request("x", delayNanos: 100_000_000)), .request(3)) }
    for peer in peers { #expect(try peer.receive().streamID == 3) }
    child.terminate()
    for peer in peers {
      #expect(try peer.receive().status == nil)
      #expect(throws: Peer.Ended.self) { try peer.receive() }
    }
    #expect(try child.line() == "stopped, 0 connections cut")
    #expect(throws: Status.self) { try Peer(child.path) }
  }

  @Test("thousands of idle connections take little memory and no processor time")
  func idle() throws {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let count = min(10_000, Int(limit.rlim_cur) - 200)
    let child = try Child(prelude: "ulimit -n \(count + 100);")
    let before = child.residentBytes()
    let peers = try (0..<count).map { _ in try Peer(child.path) }
    // Each has made a call, and gets its answer back.
    for peer in peers { peer.send(.request(1, Echo.request("x"))) }
    for peer in peers { #expect(try peer.receive().streamID == 1) }
    let grown = child.residentBytes() - before
    #expect(grown < 100 << 20, "\(grown) bytes for \(count) connections")
    let ticks = child.ticks()
    usleep(500_000)
    #expect(child.ticks() - ticks <= 1)
    #expect(peers.count == count)
  }

  @Test("a listening socket that was handed down is served, and the supervisor is told")
  func activation() throws {
    let directory = TemporaryDirectory()
    let listener = try Listener(path: directory.path + "/activated.sock")
    defer {
      listener.remove()
      listener.close()
    }
    let notify = directory.path + "/notify.sock"
    let receiver = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    #expect(cowbird_unix_bind(receiver, notify) == 0)
    defer { close(receiver) }
    let child = try Child(
      prelude: "export LISTEN_PID=$$ LISTEN_FDS=1 NOTIFY_SOCKET='\(notify)';", inherited: listener.descriptor)
    var bytes = [UInt8](repeating: 0, count: 100)
    let count = bytes.withUnsafeMutableBytes { recv(receiver, $0.baseAddress!, $0.count, 0) }
    #expect(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self) == "READY=1")
    #expect(try Peer(directory.path + "/activated.sock").ask(.request(1)).status == nil)
    #expect(try Peer(child.path).ask(.request(1)).status == nil)
  }

  @Test("a caller without permission is refused by a server of another process")
  func denied() throws {
    let child = try Child(options: "--deny-all")
    #expect(try Peer(child.path).ask(.request(1)).status?.code == .permissionDenied)
  }
}
