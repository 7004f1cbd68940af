// Any message of the contract as JSON, by its descriptor: field names as in the .proto files, every field that has
// a value or a default, of a oneof the one that is set.

import CMessages
import Wire

extension JSON {
  init(message: UnsafeRawPointer, _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>) {
    var members: [(String, JSON)] = []
    for place in 0..<Int(descriptor.pointee.n_fields) {
      let field = descriptor.pointee.fields[place]
      if let value = Self.value(of: field, in: message) {
        members.append((String(cString: field.name), value))
      }
    }
    self = .object(members)
  }

  /// Nil: the field is not set.
  private static func value(of field: ProtobufCFieldDescriptor, in message: UnsafeRawPointer) -> JSON? {
    let member = message + Int(field.offset)
    if field.label == PROTOBUF_C_LABEL_REPEATED {
      let count = message.load(fromByteOffset: Int(field.quantifier_offset), as: Int.self)
      guard count > 0, let base = member.load(as: UnsafeRawPointer?.self) else { return .array([]) }
      return .array((0..<count).compactMap { single(field, base + $0 * stride(field.type)) })
    }
    if field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue != 0 {
      guard message.load(fromByteOffset: Int(field.quantifier_offset), as: UInt32.self) == field.id else {
        return nil
      }
    }
    return single(field, member)
  }

  private static func single(_ field: ProtobufCFieldDescriptor, _ at: UnsafeRawPointer) -> JSON? {
    switch field.type {
    case PROTOBUF_C_TYPE_INT32, PROTOBUF_C_TYPE_SINT32, PROTOBUF_C_TYPE_SFIXED32:
      .integer(Int64(at.load(as: Int32.self)))
    case PROTOBUF_C_TYPE_INT64, PROTOBUF_C_TYPE_SINT64, PROTOBUF_C_TYPE_SFIXED64:
      .integer(at.load(as: Int64.self))
    case PROTOBUF_C_TYPE_UINT32, PROTOBUF_C_TYPE_FIXED32: .unsigned(UInt64(at.load(as: UInt32.self)))
    case PROTOBUF_C_TYPE_UINT64, PROTOBUF_C_TYPE_FIXED64: .unsigned(at.load(as: UInt64.self))
    case PROTOBUF_C_TYPE_FLOAT: .number(Double("\(at.load(as: Float.self))") ?? .nan)
    case PROTOBUF_C_TYPE_DOUBLE: .number(at.load(as: Double.self))
    case PROTOBUF_C_TYPE_BOOL: .flag(at.load(as: Int32.self) != 0)
    case PROTOBUF_C_TYPE_ENUM: enumeration(field, at.load(as: Int32.self))
    case PROTOBUF_C_TYPE_STRING:
      .text(at.load(as: UnsafePointer<CChar>?.self).map { String(cString: $0) } ?? "")
    case PROTOBUF_C_TYPE_BYTES: .unsigned(UInt64(at.load(as: ProtobufCBinaryData.self).len))
    case PROTOBUF_C_TYPE_MESSAGE:
      at.load(as: UnsafeRawPointer?.self).map {
        JSON(message: $0, field.descriptor.assumingMemoryBound(to: ProtobufCMessageDescriptor.self))
      }
    default: nil
    }
  }

  private static func enumeration(_ field: ProtobufCFieldDescriptor, _ number: Int32) -> JSON {
    let descriptor = field.descriptor.assumingMemoryBound(to: ProtobufCEnumDescriptor.self)
    guard let value = protobuf_c_enum_descriptor_get_value(descriptor, number) else {
      return .integer(Int64(number))
    }
    return .text(String(cString: value.pointee.name))
  }

  private static func stride(_ type: ProtobufCType) -> Int {
    switch type {
    case PROTOBUF_C_TYPE_INT64, PROTOBUF_C_TYPE_SINT64, PROTOBUF_C_TYPE_SFIXED64, PROTOBUF_C_TYPE_UINT64,
      PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_TYPE_DOUBLE, PROTOBUF_C_TYPE_STRING, PROTOBUF_C_TYPE_MESSAGE:
      8
    case PROTOBUF_C_TYPE_BYTES: MemoryLayout<ProtobufCBinaryData>.stride
    default: 4
    }
  }
}
