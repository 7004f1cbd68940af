// What protobuf-c does not check, checked before it sees the bytes: depth, so that its recursion cannot run
// out of stack; strings, which it hands over as C strings (a zero byte would cut them silently) and does not
// check for UTF-8; and the format as such, so that the answer says what is wrong and where.

internal import CMessages

package enum MessageCheck {
  /// Messages may nest this deep; protobuf's own default.
  package static let depthLimit = 100

  /// Throws INVALID_ARGUMENT that names the message, the field and the fault.
  package static func check(
    _ bytes: UnsafeRawBufferPointer, as descriptor: MessageDescriptor
  ) throws(Status) {
    try check(bytes, descriptor.pointer, depth: 1)
  }

  private static func check(
    _ bytes: UnsafeRawBufferPointer, _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>, depth: Int
  ) throws(Status) {
    guard depth <= depthLimit else {
      throw refusal(descriptor, "nests more than \(depthLimit) messages deep")
    }
    var reader = ProtoReader(bytes)
    while !reader.isAtEnd {
      let field: UInt32
      let type: WireType
      do {
        (field, type) = try reader.tag()
      } catch {
        throw refusal(descriptor, error.reason)
      }
      guard type == .lengthDelimited else {
        do { try reader.skip(type) } catch { throw refusal(descriptor, error.reason) }
        if let known = protobuf_c_message_descriptor_get_field(descriptor, field),
          !accepts(known.pointee.type, type)
        {
          throw refusal(descriptor, known, "has the wrong wire type")
        }
        continue
      }
      let value: UnsafeRawBufferPointer
      do { value = try reader.lengthDelimited() } catch { throw refusal(descriptor, error.reason) }
      guard let known = protobuf_c_message_descriptor_get_field(descriptor, field) else { continue }
      switch known.pointee.type {
      case PROTOBUF_C_TYPE_STRING:
        guard Text.isUTF8(value) else { throw refusal(descriptor, known, "is not valid UTF-8") }
        guard !Text.containsZero(value) else { throw refusal(descriptor, known, "contains a zero byte") }
      case PROTOBUF_C_TYPE_MESSAGE:
        let inner = known.pointee.descriptor.assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
        try check(value, inner, depth: depth + 1)
      case PROTOBUF_C_TYPE_BYTES:
        break
      default:
        guard known.pointee.label == PROTOBUF_C_LABEL_REPEATED else {
          throw refusal(descriptor, known, "has the wrong wire type")
        }
        try checkPacked(value, known, of: descriptor)
      }
    }
  }

  /// A packed field: numbers without tags, which must fill the length exactly.
  private static func checkPacked(
    _ bytes: UnsafeRawBufferPointer, _ field: UnsafePointer<ProtobufCFieldDescriptor>,
    of descriptor: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(Status) {
    switch wireType(of: field.pointee.type) {
    case .fixed32: guard bytes.count % 4 == 0 else { throw refusal(descriptor, field, "ends in mid-number") }
    case .fixed64: guard bytes.count % 8 == 0 else { throw refusal(descriptor, field, "ends in mid-number") }
    default:
      var reader = ProtoReader(bytes)
      do throws(WireFault) {
        while !reader.isAtEnd { _ = try reader.varint() }
      } catch {
        throw refusal(descriptor, field, error.reason)
      }
    }
  }

  private static func accepts(_ field: ProtobufCType, _ type: WireType) -> Bool {
    wireType(of: field) == type
  }

  private static func wireType(of field: ProtobufCType) -> WireType {
    switch field {
    case PROTOBUF_C_TYPE_STRING, PROTOBUF_C_TYPE_BYTES, PROTOBUF_C_TYPE_MESSAGE: .lengthDelimited
    case PROTOBUF_C_TYPE_FIXED32, PROTOBUF_C_TYPE_SFIXED32, PROTOBUF_C_TYPE_FLOAT: .fixed32
    case PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_TYPE_SFIXED64, PROTOBUF_C_TYPE_DOUBLE: .fixed64
    default: .varint
    }
  }

  private static func refusal(
    _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>, _ reason: String
  ) -> Status {
    Status(.invalidArgument, "\(String(cString: descriptor.pointee.name)) \(reason)")
  }

  private static func refusal(
    _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>,
    _ field: UnsafePointer<ProtobufCFieldDescriptor>, _ reason: String
  ) -> Status {
    let path = "\(String(cString: descriptor.pointee.name)).\(String(cString: field.pointee.name))"
    return Status(.invalidArgument, "\(path) \(reason)")
  }
}
