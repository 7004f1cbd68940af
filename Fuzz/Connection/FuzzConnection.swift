// Bytes as what a peer sends on one connection of a real server. The first byte chooses: raw bytes, or a
// recipe for frames that are nearly right. Whatever comes, the server answers in whole frames, ends each call
// at most once, and goes on serving others.

internal import CSystem
internal import Glibc
internal import Transport
internal import Wire

private final class Target: @unchecked Sendable {
  let path: String
  private let server: Server
  private var inputs = 0

  init() {
    path = "/tmp/cowbird-fuzz-\(getpid()).sock"
    var registry = ServiceRegistry()
    registry.addHealth(HealthState(["": .serving]))
    registry.addEcho()
    var options = ServerOptions()
    options.maximumUnsentBytes = 64 << 10
    options.maximumStreamsPerConnection = 16
    // Setting up has nothing to do with the input: if it fails there is nothing to fuzz.
    server = try! Server(
      registry, listeners: [try! Listener(path: path)], permissions: PermissionTable(owner: getuid()),
      options: options)
    atexit { unlink("/tmp/cowbird-fuzz-\(getpid()).sock") }
  }

  func check(_ bytes: UnsafeRawBufferPointer) {
    guard let mode = bytes.first else { return }
    let rest = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
    talk(mode & 1 == 0 ? Array(rest) : Recipe.frames(rest))
    inputs += 1
    if inputs % 256 == 0 { proveAlive() }
  }

  private func connect() -> Int32 {
    let peer = cowbird_unix_socket(1)
    precondition(cowbird_unix_connect(peer, path) >= 0, "the server no longer accepts")
    return peer
  }

  /// Sends all, closes that side, and reads until the server closes or is silent for 20 ms (it may have been
  /// asked for an answer a minute from now).
  private func talk(_ bytes: [UInt8]) {
    let peer = connect()
    defer { close(peer) }
    var sent = 0
    var answers: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while answers.count < 8 << 20 {
      if sent < bytes.count {
        let count = bytes.withUnsafeBytes { cowbird_send(peer, $0.baseAddress! + sent, bytes.count - sent) }
        if count > 0 { sent += count } else if count != -Int(EAGAIN) { sent = bytes.count }
        if sent == bytes.count { shutdown(peer, Int32(SHUT_WR)) }
      } else if bytes.isEmpty {
        break
      }
      let events = Int16(POLLIN) | (sent < bytes.count ? Int16(POLLOUT) : 0)
      guard cowbird_poll(peer, events, 20_000_000) == 1 else { break }
      let count = chunk.withUnsafeMutableBytes { cowbird_receive(peer, $0.baseAddress!, $0.count) }
      if count == -Int(EAGAIN) { continue }
      guard count > 0 else { break }
      answers += chunk[..<count]
    }
    readFrames(answers)
  }

  /// Answers are whole frames (the last may be cut by our own leaving) of types a server sends.
  private func readFrames(_ answers: [UInt8]) {
    answers.withUnsafeBytes { bytes in
      var offset = 0
      while bytes.count - offset >= FrameHeader.size {
        let header = FrameHeader(at: bytes.baseAddress! + offset)
        precondition(header.length <= FrameHeader.maximumLength)
        let end = offset + FrameHeader.size + Int(header.length)
        guard end <= bytes.count else { break }
        let data = UnsafeRawBufferPointer(rebasing: bytes[offset + FrameHeader.size..<end])
        switch header.type {
        case FrameType.response:
          precondition(header.flags == 0)
          precondition((try? ResponseEnvelope(data)) != nil, "a response that cannot be read")
        case FrameType.data:
          precondition(header.flags == 0 || (header.flags == 5 && data.isEmpty))
        default: preconditionFailure("the server sent type \(header.type)")
        }
        offset = end
      }
    }
  }

  private func proveAlive() {
    do {
      let client = try Client(path: path)
      let answer = try client.call("cowbird.v1.Echo", "Unary", [0x10, 7], timeoutNanos: 20_000_000_000)
      precondition(answer == [0x10, 7])
    } catch {
      preconditionFailure("the server does not serve: \(error)")
    }
  }
}

/// From a few bytes to frames: type, flags, stream id, method and payload are chosen by the input, and the
/// rest is right, so that the fuzzer gets past the framing.
private enum Recipe {
  private static let methods = [
    ("cowbird.v1.Echo", "Unary"), ("cowbird.v1.Echo", "Collect"), ("cowbird.v1.Echo", "Expand"),
    ("cowbird.v1.Echo", "Chat"), ("cowbird.v1.Health", "Check"), ("cowbird.v1.Health", "Watch"),
    ("cowbird.v1.Echo", "Nothing"), ("nobody", "Unary"),
  ]

  static func frames(_ recipe: UnsafeRawBufferPointer) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = recipe[...]
    while rest.count >= 4 {
      let (kind, flags, id, size) = (
        rest.removeFirst(), rest.removeFirst(), rest.removeFirst(), rest.removeFirst()
      )
      let payload = Array(rest.prefix(Int(size)))
      rest = rest.dropFirst(Int(size))
      var data = payload
      var type = FrameType.data
      if kind & 1 == 0 {
        type = FrameType.request
        let (service, method) = methods[Int(kind >> 1) % methods.count]
        data = field(1, Array(service.utf8)) + field(2, Array(method.utf8)) + field(3, payload)
        if kind & 0x40 != 0 { data += [0x20, 100] }
      } else if kind & 0x80 != 0 {
        type = kind >> 2 & 7
      }
      let header = [UInt8](unsafeUninitializedCapacity: FrameHeader.size) { buffer, count in
        FrameHeader(length: UInt32(data.count), streamID: UInt32(id), type: type, flags: flags).write(
          to: UnsafeMutableRawPointer(buffer.baseAddress!))
        count = FrameHeader.size
      }
      bytes += header + data
    }
    return bytes
  }

  private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    var field = [number << 3 | 2]
    Varint.append(UInt64(bytes.count), to: &field)
    return field + bytes
  }
}

private let target = Target()

#if FUZZER
  @_cdecl("LLVMFuzzerTestOneInput")
  public func fuzzOne(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target.check(UnsafeRawBufferPointer(start: bytes, count: count))
    return 0
  }
#else
  /// Without libFuzzer: the files named are sent once.
  @main
  struct FuzzConnection {
    static func main() {
      for path in CommandLine.arguments.dropFirst() {
        let descriptor = open(path, O_RDONLY)
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = max(0, read(descriptor, &bytes, bytes.count))
        close(descriptor)
        bytes[..<count].withUnsafeBytes { target.check($0) }
        print("\(path): \(count) bytes sent")
      }
    }
  }
#endif
