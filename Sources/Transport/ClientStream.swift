// The client's side of a stream.

public import Wire

/// A stream that `Client.openStream` opened. Messages are encoded protobuf.
public final class ClientStream {
  private let client: Client
  private let streamID: UInt32
  private let generation: UInt64
  private let kind: StreamKind
  private var isClosed: Bool
  private var isEnded = false

  init(client: Client, streamID: UInt32, kind: StreamKind) {
    self.client = client
    self.streamID = streamID
    generation = client.generation
    self.kind = kind
    isClosed = kind == .server
  }

  deinit { client.abandon(streamID, generation: generation) }

  /// Sends one message. Throws FAILED_PRECONDITION after `closeSend`.
  public func send(_ message: [UInt8]) throws(Status) {
    guard !isClosed else { throw Status(.failedPrecondition, "this side of the stream is closed") }
    try client.sendData(streamID, generation: generation, message, flags: 0)
  }

  /// Says that no more messages will be sent. The server may go on sending.
  public func closeSend() throws(Status) {
    guard !isClosed else { return }
    isClosed = true
    try client.sendData(
      streamID, generation: generation, [], flags: FrameFlags.remoteClosed | FrameFlags.noData)
  }

  /// Waits for the next message; nil once the server has ended the stream well. For a method whose server
  /// answers once, that answer is the only message.
  public func receive() throws(Status) -> [UInt8]? {
    guard !isEnded else { return nil }
    do throws(Status) {
      let message = try client.nextMessage(streamID, generation: generation)
      if message == nil || kind == .client { isEnded = true }
      return message
    } catch {
      isEnded = true
      throw error
    }
  }
}
