import CMessages
import Testing

@testable import Wire

private func unpack<M: WireMessage>(
  _: M.Type, _ bytes: [UInt8], in arena: MessageArena = MessageArena()
) throws -> M {
  try bytes.withUnsafeBytes { try Wire.unpack(M.self, from: $0, in: arena).pointee }
}

private func refusal<M: WireMessage>(_: M.Type, _ bytes: [UInt8]) -> Status? {
  do {
    _ = try unpack(M.self, bytes)
    return nil
  } catch let status as Status {
    return status
  } catch {
    return Status(.unknown, "\(error)")
  }
}

private func field(_ number: UInt64, _ bytes: [UInt8]) -> [UInt8] {
  var out: [UInt8] = []
  Varint.append(number << 3 | 2, to: &out)
  Varint.append(UInt64(bytes.count), to: &out)
  return out + bytes
}

@Suite struct WireMessageTests {
  @Test("a message is packed and unpacked as itself")
  func roundTrip() throws {
    var message = Cowbird__V1__EchoResponse.empty
    message.number = 300
    let payload: [UInt8] = [9, 8, 7]
    let bytes = payload.withUnsafeBytes { raw in
      message.payload = ProtobufCBinaryData(borrowing: raw)
      return Wire.bytes(&message)
    }
    #expect(bytes == [0x0A, 3, 9, 8, 7, 0x10, 0xAC, 0x02])
    let arena = MessageArena()
    try bytes.withUnsafeBytes {
      let read = try Wire.unpack(Cowbird__V1__EchoResponse.self, from: $0, in: arena)
      #expect(read.pointee.number == 300)
      #expect(Array(read.pointee.payload.bytes) == payload)
    }
  }

  @Test("an empty message has defaults, not zeros, and packs to nothing")
  func empty() {
    var request = Cowbird__V1__HealthCheckRequest.empty
    #expect(String(cString: request.service) == "")
    #expect(Wire.bytes(&request).isEmpty)
    #expect(Cowbird__V1__HealthCheckRequest.descriptor.name == "cowbird.v1.HealthCheckRequest")
  }

  @Test("a string with a zero byte or invalid UTF-8 is refused by name")
  func badStrings() {
    #expect(
      refusal(Cowbird__V1__HealthCheckRequest.self, field(1, [0x61, 0, 0x62]))
        == Status(.invalidArgument, "cowbird.v1.HealthCheckRequest.service contains a zero byte"))
    #expect(
      refusal(Cowbird__V1__HealthCheckRequest.self, field(1, [0xFF]))
        == Status(.invalidArgument, "cowbird.v1.HealthCheckRequest.service is not valid UTF-8"))
    #expect(refusal(Cowbird__V1__HealthCheckRequest.self, field(1, Array("gut".utf8))) == nil)
    // Bytes may hold anything.
    #expect(refusal(Cowbird__V1__EchoRequest.self, field(1, [0, 0xFF])) == nil)
  }

  @Test("a fault deep inside is named by the message that has it")
  func nested() {
    let interaction = field(1, [0xC0])
    let event = field(8, interaction)
    #expect(
      refusal(Cowbird__V1__AppendRequest.self, field(2, event))
        == Status(.invalidArgument, "cowbird.v1.Interaction.type is not valid UTF-8"))
  }

  @Test("a message with the wrong wire type, a lying length or a cut number is refused")
  func malformed() {
    #expect(
      refusal(Cowbird__V1__EchoRequest.self, [0x08, 1])?.message
        == "cowbird.v1.EchoRequest.payload has the wrong wire type")
    #expect(
      refusal(Cowbird__V1__EchoRequest.self, [0x12, 1, 0])?.message
        == "cowbird.v1.EchoRequest.number has the wrong wire type")
    #expect(refusal(Cowbird__V1__EchoRequest.self, [0x0A, 5, 1])?.code == .invalidArgument)
    #expect(refusal(Cowbird__V1__EchoRequest.self, [0x10, 0x80])?.code == .invalidArgument)
    #expect(refusal(Cowbird__V1__EchoRequest.self, [0x0B])?.code == .invalidArgument)
    // Packed floats that do not fill their length.
    #expect(
      refusal(Cowbird__V1__NumberList.self, field(1, [1, 2, 3, 4, 5]))?.message
        == "cowbird.v1.NumberList.values ends in mid-number")
    #expect(refusal(Cowbird__V1__NumberList.self, field(1, [1, 2, 3, 4])) == nil)
  }

  @Test("fields that are not known are passed over")
  func unknown() throws {
    let bytes: [UInt8] = field(900, [1, 2]) + [0x10, 7] + [0xF8, 0x38, 1]
    #expect(try unpack(Cowbird__V1__EchoRequest.self, bytes).number == 7)
  }

  @Test("no sequence of cut bytes is taken for more than it is")
  func truncated() throws {
    var bytes = field(2, field(1, Array("id".utf8)) + field(8, field(1, Array("click".utf8))))
    bytes += field(1, Array("producer".utf8))
    #expect(refusal(Cowbird__V1__AppendRequest.self, bytes) == nil)
    for length in 1..<bytes.count {
      if let status = refusal(Cowbird__V1__AppendRequest.self, Array(bytes.prefix(length))) {
        #expect(status.code == .invalidArgument)
      }
    }
  }

  @Test("messages nested deeper than 100 are refused before anything recurses")
  func depth() throws {
    let (descriptor, number) = try #require(recursiveField())
    func nested(_ depth: Int) -> [UInt8] {
      var bytes: [UInt8] = []
      for _ in 1..<depth { bytes = field(UInt64(number), bytes) }
      return bytes
    }
    func check(_ depth: Int) throws {
      try nested(depth).withUnsafeBytes { try MessageCheck.check($0, as: descriptor) }
    }
    try check(100)
    #expect(throws: Status(.invalidArgument, "\(descriptor.name) nests more than 100 messages deep")) {
      try check(101)
    }
    // 4 MiB of nothing but nesting.
    var bytes: [UInt8] = []
    while bytes.count < 100_000 { bytes = field(UInt64(number), bytes) }
    #expect(throws: Status.self) { try bytes.withUnsafeBytes { try MessageCheck.check($0, as: descriptor) } }
  }

  /// A message of the contract that contains itself, and the number of the field that does.
  private func recursiveField() -> (MessageDescriptor, UInt32)? {
    for descriptor in [
      Cowbird__V1__Filter.descriptor
    ] {
      let message = descriptor.pointer.pointee
      for place in 0..<Int(message.n_fields) {
        let candidate = message.fields[place]
        if candidate.type == PROTOBUF_C_TYPE_MESSAGE,
          candidate.descriptor == UnsafeRawPointer(descriptor.pointer)
        {
          return (descriptor, candidate.id)
        }
      }
    }
    return nil
  }
}
