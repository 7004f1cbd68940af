// The Swift client: blocking calls, many in flight on one connection if wanted, and streams.
//
//   let client = try Client(path: "/run/cowbird/cowbird.sock")
//   let answer = try client.call("cowbird.v1.Echo", "Unary", request, timeoutNanos: 1_000_000_000)
//
//   let calls = try batches.map { try client.submit("cowbird.v1.Predict", "Score", $0) }
//   for call in calls { consume(try client.collect(call)) }

internal import CSystem
internal import Glibc
internal import Primitives
public import Wire

/// A connection to a Cowbird daemon (or to any ttrpc server on a Unix socket).
///
/// One thread uses a client at a time; give each thread its own. Every error is a `Status`: those of the
/// server as it sent them, DEADLINE_EXCEEDED when a timeout passes here, and UNAVAILABLE when the connection
/// is lost, after which every call throws until `reconnect`.
public final class Client {
  /// One call in flight.
  public struct CallID: Hashable, Sendable {
    let streamID: UInt32
  }

  /// What has come for a call or a stream and was not fetched.
  struct Pending {
    var messages: [[UInt8]] = []
    var end: Result<[UInt8]?, Status>?
    var deadline: UInt64
    var isStream: Bool
  }

  /// Where the socket is.
  public let path: String
  private var descriptor: Int32 = -1
  /// Ids grow and are not used twice. Tests begin near the end.
  var nextStreamID: UInt32 = 1
  /// Past this one a new connection is taken as soon as nothing is in flight.
  private static let lastComfortableID: UInt32 = 0xC000_0001
  private let input = ByteQueue()
  private let output = ByteQueue()
  private var pending: [UInt32: Pending] = [:]
  /// Calls answered and not collected, in the order of their answers.
  private var answered: [UInt32] = []
  private var failure: Status?
  /// Counts connections: a stream of an earlier one has a number that another stream has now.
  private(set) var generation: UInt64 = 0

  /// Connects. Throws UNAVAILABLE when nobody listens at `path`, PERMISSION_DENIED when the file's mode
  /// forbids it.
  public init(path: String) throws(Status) {
    self.path = path
    try connect()
  }

  deinit { close() }

  /// Ends the connection. What is in flight is lost.
  public func close() {
    if descriptor >= 0 { _ = Glibc.close(descriptor) }
    descriptor = -1
    fail(Status(.unavailable, "the client was closed"))
  }

  /// Connects anew, after the connection was lost or the server was started again. What was in flight is lost.
  public func reconnect() throws(Status) {
    close()
    pending = [:]
    answered = []
    try connect()
  }

  // MARK: - Unary calls

  /// Calls and waits for the answer.
  /// - Parameters:
  ///   - service: full name, such as "cowbird.v1.Predict".
  ///   - method: name within the service, such as "Score".
  ///   - request: the encoded request message; at most 4 MiB with its envelope.
  ///   - timeoutNanos: the server and this client give up after this time; nil: never.
  ///   - metadata: travels beside the message.
  /// - Returns: the encoded response message.
  public func call(
    _ service: String, _ method: String, _ request: [UInt8], timeoutNanos: UInt64? = nil,
    metadata: [(key: String, value: String)] = []
  ) throws(Status) -> [UInt8] {
    try collect(try submit(service, method, request, timeoutNanos: timeoutNanos, metadata: metadata))
  }

  /// Sends a request and does not wait. Every submitted call must be collected, in any order.
  public func submit(
    _ service: String, _ method: String, _ request: [UInt8], timeoutNanos: UInt64? = nil,
    metadata: [(key: String, value: String)] = []
  ) throws(Status) -> CallID {
    let id = try open(
      RequestHead(service: service, method: method, timeoutNanos: timeoutNanos, metadata: metadata), request,
      flags: 0, isStream: false)
    return CallID(streamID: id)
  }

  /// Waits for the answer to a submitted call.
  public func collect(_ call: CallID) throws(Status) -> [UInt8] {
    let id = call.streamID
    guard pending[id] != nil else { throw failure ?? Self.unknown }
    while pending[id]?.end == nil { try wait(for: id) }
    if let place = answered.firstIndex(of: id) { answered.remove(at: place) }
    return try pending.removeValue(forKey: id)!.end!.get() ?? []
  }

  /// Waits for the answer to whichever submitted call is answered first; nil when none is in flight.
  public func collectAny() throws(Status) -> (call: CallID, answer: Result<[UInt8], Status>)? {
    while answered.isEmpty {
      guard let id = pending.first(where: { !$0.value.isStream })?.key else { return nil }
      let deadlines = pending.values.filter { !$0.isStream && $0.deadline != 0 }.map(\.deadline)
      do throws(Status) {
        try receive(until: deadlines.min() ?? 0)
      } catch {
        if let failure { throw failure }
        let now = MonotonicClock.nanos()
        let late = pending.first { !$0.value.isStream && $0.value.deadline != 0 && $0.value.deadline <= now }
        pending[late?.key ?? id]!.end = .failure(error)
        answered.append(late?.key ?? id)
      }
    }
    let id = answered.removeFirst()
    let end = pending.removeValue(forKey: id)!.end!
    return (CallID(streamID: id), end.map { $0 ?? [] })
  }

  // MARK: - Streams

  /// Opens a stream to a method whose client streams, whose server streams, or both.
  /// - Parameters:
  ///   - request: for a method whose server alone streams, its request message; otherwise nil, or the first
  ///     message.
  ///   - timeoutNanos: for the whole stream.
  public func openStream(
    _ service: String, _ method: String, _ kind: StreamKind, request: [UInt8]? = nil,
    timeoutNanos: UInt64? = nil, metadata: [(key: String, value: String)] = []
  ) throws(Status) -> ClientStream {
    let id = try open(
      RequestHead(service: service, method: method, timeoutNanos: timeoutNanos, metadata: metadata),
      request ?? [], flags: kind == .server ? FrameFlags.remoteClosed : FrameFlags.remoteOpen, isStream: true)
    return ClientStream(client: self, streamID: id, kind: kind)
  }

  func sendData(
    _ id: UInt32, generation: UInt64, _ message: [UInt8], flags: UInt8
  ) throws(Status) {
    guard generation == self.generation else { throw Self.lost }
    guard message.count <= FrameHeader.maximumLength else {
      throw Status(
        .resourceExhausted,
        "the message has \(message.count) bytes; at most \(FrameHeader.maximumLength) fit")
    }
    let deadline = pending[id]?.deadline ?? 0
    output.appendData(streamID: id, size: message.count, flags: flags) { target in
      message.withUnsafeBytes {
        if let base = $0.baseAddress { target.copyMemory(from: base, byteCount: $0.count) }
      }
    }
    try flush(until: deadline)
  }

  /// The stream's next message; nil at its good end.
  func nextMessage(_ id: UInt32, generation: UInt64) throws(Status) -> [UInt8]? {
    guard generation == self.generation else { throw Self.lost }
    while true {
      guard let state = pending[id] else { throw failure ?? Self.unknown }
      if !state.messages.isEmpty { return pending[id]!.messages.removeFirst() }
      if let end = state.end {
        pending[id] = nil
        return try end.get()
      }
      try wait(for: id)
    }
  }

  /// Nobody will ask for what comes on the stream.
  func abandon(_ id: UInt32, generation: UInt64) {
    if generation == self.generation { pending[id] = nil }
  }

  // MARK: - Connection

  private static let lost = Status(.unavailable, "the stream was lost with its connection; open another")
  private static let unknown = Status(
    .failedPrecondition, "the call was collected, or is of another connection")

  private func connect() throws(Status) {
    let socket = cowbird_unix_socket(0)
    guard socket >= 0 else { throw Status(.resourceExhausted, "cannot make a socket: \(errnoText(-socket))") }
    let outcome = cowbird_unix_connect(socket, path)
    guard outcome >= 0 else {
      _ = Glibc.close(socket)
      let text = "cannot connect to \(path): \(errnoText(-outcome))"
      switch -outcome {
      case EACCES, EPERM: throw Status(.permissionDenied, text)
      case ENAMETOOLONG: throw Status(.invalidArgument, text)
      default: throw Status(.unavailable, text)
      }
    }
    descriptor = socket
    generation += 1
    nextStreamID = 1
    failure = nil
    input.truncate(to: 0)
    output.truncate(to: 0)
  }

  private func open(
    _ head: RequestHead, _ payload: [UInt8], flags: UInt8, isStream: Bool
  ) throws(Status) -> UInt32 {
    if let failure { throw failure }
    if nextStreamID > Self.lastComfortableID, pending.isEmpty { try reconnect() }
    guard nextStreamID <= UInt32.max - 2 else {
      throw Status(
        .resourceExhausted,
        "this connection's stream ids are used up: collect the calls in flight and end the streams")
    }
    let size = head.size(payload: payload.count)
    guard size <= FrameHeader.maximumLength else {
      throw Status(
        .resourceExhausted, "the request has \(size) bytes; at most \(FrameHeader.maximumLength) fit")
    }
    let id = nextStreamID
    nextStreamID += 2
    let target = output.extend(by: FrameHeader.size + size)
    FrameHeader(length: UInt32(size), streamID: id, type: FrameType.request, flags: flags).write(to: target)
    head.write(payload: payload, to: target + FrameHeader.size)
    let deadline = head.timeoutNanos.map { MonotonicClock.nanos().addingReportingOverflow($0) }
    pending[id] = Pending(
      deadline: deadline.map { $0.overflow ? 0 : $0.partialValue } ?? 0, isStream: isStream)
    do throws(Status) {
      try flush(until: pending[id]!.deadline)
    } catch {
      pending[id] = nil
      throw error
    }
    return id
  }

  private func wait(for id: UInt32) throws(Status) {
    do throws(Status) {
      try receive(until: pending[id]?.deadline ?? 0)
    } catch {
      if failure == nil { pending[id] = nil }
      throw error
    }
  }

  /// Sends all that was packed. Reads meanwhile, because a server that is not read from stops reading.
  private func flush(until deadline: UInt64) throws(Status) {
    if let failure { throw failure }
    while !output.isEmpty {
      let sent = cowbird_send(descriptor, output.bytes.baseAddress!, output.count)
      if sent >= 0 {
        output.consume(sent)
      } else if sent == -Int(EAGAIN) {
        try poll(Int16(POLLIN | POLLOUT), deadline)
        try takeInput()
      } else {
        // What the server said before it closed is worth more than the broken pipe.
        while failure == nil, cowbird_poll(descriptor, Int16(POLLIN), 0) == 1 { _ = try? takeInput() }
        throw lose("the server closed the connection")
      }
    }
  }

  /// Waits for bytes and sorts them.
  private func receive(until deadline: UInt64) throws(Status) {
    if let failure { throw failure }
    if try takeInput() { return }
    try poll(Int16(POLLIN), deadline)
    try takeInput()
  }

  private func poll(_ events: Int16, _ deadline: UInt64) throws(Status) {
    var timeout: Int64 = -1
    if deadline != 0 {
      let now = MonotonicClock.nanos()
      guard now < deadline else { throw Self.late }
      timeout = Int64(clamping: deadline - now)
    }
    let ready = cowbird_poll(descriptor, events, timeout)
    if ready == 0 { throw Self.late }
    if ready < 0, ready != -EINTR { throw lose("poll: \(errnoText(-ready))") }
  }

  private static let late = Status(.deadlineExceeded, "the server did not answer in time")

  /// Reads what is there; false when nothing is.
  @discardableResult
  private func takeInput() throws(Status) -> Bool {
    let known = input.count
    let count = cowbird_receive(descriptor, input.extend(by: 64 << 10), 64 << 10)
    input.truncate(to: known + max(0, count))
    if count == -Int(EAGAIN) { return false }
    guard count > 0 else {
      throw lose(
        count == 0 ? "the server closed the connection" : "cannot read: \(errnoText(Int32(-count)))")
    }
    while input.count >= FrameHeader.size {
      let bytes = input.bytes
      let header = FrameHeader(at: bytes.baseAddress!)
      guard header.length <= FrameHeader.maximumLength else {
        throw lose("the server sent a frame of \(header.length) bytes")
      }
      let end = FrameHeader.size + Int(header.length)
      guard bytes.count >= end else { break }
      try sort(header, UnsafeRawBufferPointer(rebasing: bytes[FrameHeader.size..<end]))
      input.consume(end)
    }
    return true
  }

  /// Puts a frame where its call will look for it. Frames of calls that nobody waits for are dropped.
  private func sort(_ header: FrameHeader, _ data: UnsafeRawBufferPointer) throws(Status) {
    let id = header.streamID
    guard let state = pending[id], state.end == nil else { return }
    switch header.type {
    case FrameType.response:
      let response = try readResponse(data)
      pending[id]!.end = response.map { $0 }
      if !state.isStream { answered.append(id) }
    case FrameType.data:
      if header.flags & FrameFlags.noData == 0 { pending[id]!.messages.append(Array(data)) }
      if header.flags & FrameFlags.remoteClosed != 0 { pending[id]!.end = .success(nil) }
    default: throw lose("the server sent a frame of unknown type \(header.type)")
    }
  }

  private func readResponse(_ data: UnsafeRawBufferPointer) throws(Status) -> Result<[UInt8]?, Status> {
    do {
      let response = try ResponseEnvelope(data)
      if let status = response.status { return .failure(status) }
      return .success(Array(response.payload))
    } catch {
      throw lose(error.message)
    }
  }

  private func lose(_ reason: String) -> Status {
    let status = Status(.unavailable, "\(path): \(reason)")
    fail(status)
    return status
  }

  private func fail(_ status: Status) {
    if failure == nil { failure = status }
    for id in pending.keys.sorted() where pending[id]!.end == nil {
      pending[id]!.end = .failure(status)
      if !pending[id]!.isStream { answered.append(id) }
    }
  }
}
