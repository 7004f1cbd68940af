// Export: the bytes of a version as one file, in order, no faster than the peer reads. A file with all pages is sent
// as it lies on the disk; one with changes only is put together from its chain.

internal import CMessages
internal import Learning
internal import Primitives
internal import Transport
internal import Versions
internal import Wire

final class ExportStream: StreamHandler {
  private let service: VersionService
  private let room = Signal()

  init(_ service: VersionService) { self.service = service }

  func receive(_ message: UnsafeRawBufferPointer, on stream: ServerStream) throws(Status) {
    let request = try stream.unpack(Cowbird__V1__ExportRequest.self, message).pointee
    let registry = service.control.registry
    let id = try VersionChoice.required(request.version, "ExportRequest.version")
      .keptVersion(in: registry, "ExportRequest.version")
    let (service, room) = (service, room)
    service.context.transfers.perform {
      do throws(Status) {
        try Self.send(id, service, stream, room)
        stream.finish()
      } catch {
        stream.fail(error)
      }
    }
  }

  func writable(_ stream: ServerStream) throws(Status) { room.raise() }

  func ended(_ stream: ServerStream, _ reason: Status) { room.raise() }

  private static func send(
    _ id: VersionID, _ service: VersionService, _ stream: ServerStream, _ room: Signal
  ) throws(Status) {
    guard let entry = service.control.registry[id] else {
      throw Status(.notFound, Registry.noVersion(id))
    }
    do {
      let store = service.keeper.store
      if entry.record.isDiff {
        let model = try service.keeper.loadModel(id)
        // Written twice, the first time into nothing: the length stands in every message.
        var total: UInt64 = 0
        try store.export(model, id: id, digest: entry.record.digest) { total += UInt64($0.count) }
        try store.export(model, id: id, digest: entry.record.digest) { piece in
          try send(piece, total, stream, room)
        }
      } else {
        let total = store.fileBytes(id)
        try store.copy(id) { try send($0, total, stream, room) }
      }
    } catch let status as Status {
      throw status
    } catch {
      throw service.keeper.unreadable(id, "cannot be exported: \(error)")
    }
  }

  private static func send(
    _ piece: [UInt8], _ total: UInt64, _ stream: ServerStream, _ room: Signal
  ) throws(Status) {
    var rest = piece[...]
    while !rest.isEmpty {
      let chunk = rest.prefix(1 << 20)
      rest = rest.dropFirst(chunk.count)
      while true {
        let seen = room.count
        if stream.isEnded { throw Status(.cancelled, "nobody reads the export any more") }
        if stream.mayWrite { break }
        room.wait(after: seen, nanos: 1_000_000_000)
      }
      chunk.withUnsafeBytes { bytes in
        var message = Cowbird__V1__ExportChunk.empty
        message.data = ProtobufCBinaryData(borrowing: bytes)
        message.total_bytes = total
        stream.send(&message)
      }
    }
  }
}
