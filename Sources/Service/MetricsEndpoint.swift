// OpenMetrics over HTTP for scrapers that speak nothing else: one thread, one connection at a time, one path, each
// bounded in bytes and time. On a loopback address or a Unix socket of its own; never open to the network.

internal import Glibc
internal import Primitives
internal import Synchronization
internal import Wire

final class MetricsEndpoint: Sendable {
  private static let longestRequest = 8_192
  private static let timeoutSeconds = 5

  private let context: ServiceContext
  private let descriptor: Int32
  private let path: String?
  private let isStopping = Atomic(false)
  private let thread = Guarded<PlainThread?>(nil)

  /// Listens at `address`: `127.0.0.1:9464`, `[::1]:9464`, or a path; nil for an empty one.
  /// - Throws: INVALID_ARGUMENT for an address that is not a loopback's, FAILED_PRECONDITION when it is taken.
  init?(_ address: String, _ context: ServiceContext) throws(Status) {
    guard !address.isEmpty else { return nil }
    self.context = context
    path = address.hasPrefix("/") ? address : nil
    if let path {
      descriptor = try Self.listen(path: path)
    } else {
      descriptor = try Self.listen(loopback: address)
    }
    thread.withLock { $0 = PlainThread(name: "metrics") { [self] in run() } }
  }

  func stop() {
    isStopping.store(true, ordering: .releasing)
    shutdown(descriptor, Int32(SHUT_RDWR))
    thread.withLock { $0 }?.join()
    close(descriptor)
    if let path { unlink(path) }
  }

  private static func failure(_ address: String) -> Status {
    Status(
      .failedPrecondition,
      "server.metrics_address: cannot listen at \(address): \(String(cString: strerror(errno)))")
  }

  private static func listen(path: String) throws(Status) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let capacity = MemoryLayout.size(ofValue: address.sun_path)
    try check(path)
    precondition(path.utf8.count < capacity)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    var status = stat()
    if lstat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFSOCK else {
        throw Status(.failedPrecondition, "server.metrics_address: \(path) exists and is no socket")
      }
      unlink(path)
    }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw failure(path) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let isBound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) == 0 }
    }
    guard isBound, Glibc.listen(descriptor, 16) == 0 else {
      defer { close(descriptor) }
      throw failure(path)
    }
    chmod(path, 0o660)
    return descriptor
  }

  /// The address family and the port of a loopback address.
  private static func loopback(_ text: String) throws(Status) -> (family: Int32, port: UInt16) {
    let hosts = [("127.0.0.1:", AF_INET), ("localhost:", AF_INET), ("[::1]:", AF_INET6)]
    guard let host = hosts.first(where: { text.hasPrefix($0.0) }),
      let port = UInt16(text.dropFirst(host.0.count)), port > 0
    else {
      throw Status(
        .invalidArgument,
        "server.metrics_address: \"\(text)\"; 127.0.0.1:PORT, [::1]:PORT or the path of a socket is allowed")
    }
    return (host.1, port)
  }

  /// Whether an address can be listened at, as far as it says itself.
  static func check(_ address: String) throws(Status) {
    if address.hasPrefix("/") {
      let capacity = MemoryLayout<sockaddr_un>.size - MemoryLayout<sa_family_t>.size
      guard address.utf8.count < capacity else {
        throw Status(
          .invalidArgument, "server.metrics_address: \(address) has more than \(capacity - 1) bytes")
      }
    } else if !address.isEmpty {
      _ = try loopback(address)
    }
  }

  private static func listen(loopback text: String) throws(Status) -> Int32 {
    let (family, port) = try loopback(text)
    let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw failure(text) }
    var one: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
    let isBound: Bool
    if family == AF_INET {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      isBound = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
      }
    } else {
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = port.bigEndian
      address.sin6_addr = in6addr_loopback
      isBound = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size)) == 0
        }
      }
    }
    guard isBound, Glibc.listen(descriptor, 16) == 0 else {
      defer { close(descriptor) }
      throw failure(text)
    }
    return descriptor
  }

  private func run() {
    while !isStopping.load(ordering: .acquiring) {
      let peer = accept(descriptor, nil, nil)
      guard peer >= 0 else {
        if errno == EINTR || errno == ECONNABORTED { continue }
        return
      }
      var limit = timeval(tv_sec: Self.timeoutSeconds, tv_usec: 0)
      let size = socklen_t(MemoryLayout<timeval>.size)
      setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
      setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
      answer(peer)
      close(peer)
    }
  }

  private func answer(_ peer: Int32) {
    var request: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1_024)
    let end = Array("\r\n\r\n".utf8)
    let limit = MonotonicClock.nanos() + UInt64(Self.timeoutSeconds) * 1_000_000_000
    while request.count < 4 || !request.suffix(piece.count + 4).contains(end) {
      guard request.count < Self.longestRequest, MonotonicClock.nanos() < limit else { return }
      let count = recv(peer, &piece, piece.count, 0)
      guard count > 0 else { return }
      request.append(contentsOf: piece[..<count])
    }
    let line = String(decoding: request.prefix { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
    let words = line.split(separator: " ")
    if words.count == 3, words[0] == "GET" || words[0] == "HEAD" {
      guard words[1] == "/metrics" || words[1].hasPrefix("/metrics?") else {
        return send(
          peer, "404 Not Found", "text/plain", "metrics are at /metrics\n", hasBody: words[0] == "GET")
      }
      send(
        peer, "200 OK", "application/openmetrics-text; version=1.0.0; charset=utf-8",
        OpenMetrics.text(context),
        hasBody: words[0] == "GET")
    } else {
      send(peer, "405 Method Not Allowed", "text/plain", "only GET /metrics\n", hasBody: true)
    }
  }

  private func send(_ peer: Int32, _ status: String, _ type: String, _ body: String, hasBody: Bool) {
    var text =
      "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n"
    if hasBody { text += body }
    text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while !rest.isEmpty {
        let count = Glibc.send(peer, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
        guard count > 0 else { return }
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
    }
  }
}
