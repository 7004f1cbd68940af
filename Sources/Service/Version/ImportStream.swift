// Import: an exported file in pieces becomes a version, or is refused with what does not fit. Read while it
// arrives; a peer that sends faster than the disk writes is not read from meanwhile.

internal import CMessages
internal import Learning
internal import Primitives
internal import Transport
internal import Versions
internal import Wire

final class ImportStream: StreamHandler, @unchecked Sendable {
  // Sound because: `hasBegun` is touched on the stream's reactor only; the pipe has a lock of its own.

  private let service: VersionService
  private let peer: PeerCredentials
  private let pipe = BytePipe()
  private var hasBegun = false

  init(_ service: VersionService, peer: PeerCredentials) {
    self.service = service
    self.peer = peer
  }

  func receive(_ message: UnsafeRawBufferPointer, on stream: ServerStream) throws(Status) {
    let chunk = try stream.unpack(Cowbird__V1__ImportChunk.self, message).pointee
    if !hasBegun {
      hasBegun = true
      let order = VersionOrder(
        author: try Caller(uid: peer.uid).author(chunk.author), reason: try Field.reason(chunk.reason),
        labels: Field.texts(chunk.labels, chunk.n_labels))
      for label in order.labels {
        do throws(RegistryError) { try Registry.check(label: label) } catch { throw Status(error) }
      }
      begin(order, stream)
    }
    pipe.put(Array(chunk.data.bytes), on: stream)
  }

  func receiveEnd(on stream: ServerStream) throws(Status) {
    guard hasBegun else {
      throw Status(.invalidArgument, "ImportChunk: there was none; send the file that Export gave")
    }
    pipe.finish()
  }

  func ended(_ stream: ServerStream, _ reason: Status) { pipe.cut() }

  private func begin(_ order: VersionOrder, _ stream: ServerStream) {
    let (service, pipe) = (service, pipe)
    service.context.transfers.perform {
      defer { pipe.cut() }
      do throws(Status) {
        let record = try service.keeper.importVersion(order) { try pipe.read(into: $0) }
        let arena = MessageArena(capacity: 4096)
        guard let info = service.info(record.id, service.control.registry, in: arena) else {
          throw Status(.notFound, Registry.noVersion(record.id))
        }
        stream.finish(with: info)
      } catch {
        stream.fail(error)
      }
    }
  }
}

/// Bytes from a reactor to a worker that waits for them.
final class BytePipe: Sendable {
  private struct State: Sendable {
    var pieces: [[UInt8]] = []
    /// Place in the first piece.
    var position = 0
    var bytes = 0
    var isFinished = false
    var isCut = false
    /// The stream that is not read from, because too much waits.
    var held: ServerStream?
  }

  private static let limit = 8 << 20
  private static let patienceNanos: UInt64 = 60_000_000_000
  private let state = Guarded(State())
  private let signal = Signal()

  func put(_ piece: [UInt8], on stream: ServerStream) {
    let mustHold = state.withLock { state in
      guard !state.isCut, !piece.isEmpty else { return false }
      state.pieces.append(piece)
      state.bytes += piece.count
      guard state.bytes > Self.limit, state.held == nil else { return false }
      state.held = stream
      return true
    }
    if mustHold { stream.hold() }
    signal.raise()
  }

  /// No more bytes will come.
  func finish() {
    state.withLock { $0.isFinished = true }
    signal.raise()
  }

  /// Nobody sends, or nobody reads, any more.
  func cut() {
    let held = state.withLock { state in
      state.isCut = true
      state.pieces = []
      state.bytes = 0
      defer { state.held = nil }
      return state.held
    }
    held?.release()
    signal.raise()
  }

  /// Waits for bytes; 0 at the end.
  func read(into target: UnsafeMutableRawBufferPointer) throws(Status) -> Int {
    guard !target.isEmpty else { return 0 }
    while true {
      let seen = signal.count
      var released: ServerStream?
      var count: Int?
      var isCut = false
      state.withLock { state in
        isCut = state.isCut
        guard let first = state.pieces.first else {
          if state.isFinished { count = 0 }
          return
        }
        let taken = min(target.count, first.count - state.position)
        first.withUnsafeBytes { bytes in
          target.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: bytes[state.position..<state.position + taken]))
        }
        state.position += taken
        state.bytes -= taken
        if state.position == first.count {
          state.pieces.removeFirst()
          state.position = 0
        }
        if state.bytes < Self.limit / 2 {
          released = state.held
          state.held = nil
        }
        count = taken
      }
      released?.release()
      if isCut { throw Status(.cancelled, "the import was given up") }
      if let count { return count }
      guard signal.wait(after: seen, nanos: Self.patienceNanos) else {
        throw Status(.deadlineExceeded, "no bytes came for 60 s: the import was given up")
      }
    }
  }
}
