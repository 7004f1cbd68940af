// The envelope of a request, written: all but the payload, and then the payload.

internal import Wire

/// What a request says beside its message.
struct RequestHead {
  var service: String
  var method: String
  var timeoutNanos: UInt64?
  var metadata: [(key: String, value: String)]

  /// Bytes of the whole envelope.
  func size(payload: Int) -> Int {
    var size = ProtoSize.lengthDelimited(service.utf8.count) + ProtoSize.lengthDelimited(method.utf8.count)
    if payload > 0 { size += ProtoSize.lengthDelimited(payload) }
    size += ProtoSize.varint(nanos)
    for pair in metadata { size += ProtoSize.lengthDelimited(Self.size(pair)) }
    return size
  }

  /// Writes `size(payload:)` bytes.
  func write(payload: [UInt8], to target: UnsafeMutableRawPointer) {
    var writer = ProtoWriter(target)
    writer.element(1, service)
    writer.element(2, method)
    if !payload.isEmpty { payload.withUnsafeBytes { writer.bytes(3, $0) } }
    writer.varint(4, nanos)
    for pair in metadata {
      writer.length(5, Self.size(pair))
      writer.element(1, pair.key)
      writer.element(2, pair.value)
    }
  }

  /// 0, which is left out, stands for no deadline.
  private var nanos: UInt64 { timeoutNanos.map { min($0, UInt64(Int64.max)) } ?? 0 }

  private static func size(_ pair: (key: String, value: String)) -> Int {
    ProtoSize.lengthDelimited(pair.key.utf8.count) + ProtoSize.lengthDelimited(pair.value.utf8.count)
  }
}
