import Testing

@testable import Wire

@Suite struct EventViewTests {
  private func read<Result>(_ bytes: [UInt8], _ body: (EventView) throws -> Result) throws -> Result {
    try bytes.withUnsafeBytes { try body(try EventView($0)) }
  }

  private static let rating = EventBuilder(
    id: "e-1", timeNanos: 874_724_710_000_000_000, source: "web", sequence: 7,
    .interaction(
      type: "rating", user: "259", item: "größe", value: 4.5,
      context: [
        NamedAttribute("price", .number(9.5)), NamedAttribute("device", .text("phone")),
        NamedAttribute("tags", .texts(["a", "", "c"])), NamedAttribute("v", .numbers([1, -2.5, 3])),
        NamedAttribute("new", .flag(true)), NamedAttribute("old", .flag(false)),
      ], weight: 0.5, requestID: "r9"))

  @Test("an interaction's fields and attributes are read back as they were written")
  func interaction() throws {
    try read(Self.rating.encoded()) { event in
      #expect(event.id.string == "e-1" && event.source.string == "web" && event.sequence == 7)
      #expect(event.timeNanos == 874_724_710_000_000_000)
      #expect(event.kind == .interaction && event.type == "rating")
      #expect(event.user.string == "259" && event.item.string == "größe" && event.requestID.string == "r9")
      #expect(event.value == 4.5 && event.hasValue && event.weight == 0.5)
      #expect(event.attributes.count == 6)
      let attributes = Array(event.attributes)
      #expect(attributes.map(\.name.string) == ["price", "device", "tags", "v", "new", "old"])
      #expect(attributes[0].kind == .number && attributes[0].number == 9.5)
      #expect(attributes[1].kind == .text && attributes[1].text.string == "phone")
      #expect(attributes[2].texts.map(\.string) == ["a", "", "c"])
      #expect(Array(attributes[3].numbers) == [1, -2.5, 3])
      #expect(attributes[4].kind == .flag && attributes[4].flag && !attributes[5].flag)
      #expect(event.refusal(within: EventBounds()) == nil)
    }
  }

  @Test("defaults are told from what was said")
  func defaults() throws {
    try read(EventBuilder(.interaction(type: "click")).encoded()) { event in
      #expect(!event.hasValue && event.weight == 1 && event.user.isEmpty && event.attributes.count == 0)
    }
    try read(EventBuilder(.interaction(type: "click", value: 0, weight: 0)).encoded()) { event in
      #expect(event.hasValue && event.value == 0 && event.weight == 0)
    }
  }

  @Test("entity changes and retractions are read")
  func others() throws {
    let change = EventBuilder(
      .entity(.item, id: "i", .merge, attributes: [NamedAttribute("year", .number(1995))]))
    try read(change.encoded()) { event in
      #expect(event.kind == .entity && event.entityKind == .item && event.action == .merge)
      #expect(event.entityID.string == "i" && event.item.string == "i" && event.user.isEmpty)
      #expect(event.attributes.map(\.number) == [1995])
    }
    try read(EventBuilder(.retraction(eventID: "e", offset: 300)).encoded()) { event in
      #expect(event.kind == .retraction && event.retractedID.string == "e" && event.retractedOffset == 300)
    }
  }

  @Test("bytes that protobuf's own Python wrote are read")
  func golden() throws {
    // Event(id="a", time_nanos=-1, interaction=Interaction(type="t", value=1, context=[Attribute(name="n",
    // numbers=NumberList(values=[1, 2]))])).SerializeToString()
    let bytes: [UInt8] = [
      0x0A, 1, 0x61, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0x42, 0x1D, 0x0A, 1,
      0x74, 0x21, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0x2A, 0x0F, 0x0A, 1, 0x6E, 0x2A, 0x0A, 0x0A, 8, 0, 0, 0x80,
      0x3F, 0, 0, 0, 0x40,
    ]
    try read(bytes) { event in
      #expect(event.timeNanos == -1 && event.value == 1)
      #expect(event.attributes.map { Array($0.numbers) } == [[1, 2]])
    }
    let builder = EventBuilder(
      id: "a", timeNanos: -1,
      .interaction(type: "t", value: 1, context: [NamedAttribute("n", .numbers([1, 2]))]))
    #expect(builder.encoded() == bytes)
  }

  @Test("fields of later contracts are passed over, wherever they stand")
  func unknownFields() throws {
    let unknown: [UInt8] = [0xA0, 0x06, 0x80, 0x01, 0xAA, 0x06, 2, 1, 2, 0xAD, 0x06, 0, 0, 0, 0]
    let attribute = NamedAttribute("x", .flag(true)).encoded()
    var body: [UInt8] = [0x2A, UInt8(attribute.count)] + attribute
    body += unknown + [0x0A, 1, 0x74] + [0x2A, UInt8(attribute.count)] + attribute
    try read(unknown + [0x42, UInt8(body.count)] + body + unknown) { event in
      #expect(event.type == "t")
      #expect(event.attributes.map(\.name.string) == ["x", "x"])
    }
  }

  @Test("bytes cut at any place are refused or are a shorter event, and never trap")
  func truncation() {
    let bytes = Self.rating.encoded()
    for length in 0..<bytes.count {
      try? read(Array(bytes[..<length])) { event in
        for attribute in event.attributes {
          _ = Array(attribute.texts).count + Array(attribute.numbers).count
        }
        _ = event.refusal(within: EventBounds())
      }
    }
    #expect(throws: WireFormatError.truncated) { try read(Array(bytes.dropLast())) { _ in } }
  }

  @Test("bytes changed at random never trap")
  func fuzz() {
    let bytes = Self.rating.encoded()
    var random = SplitMix(state: 42)
    for _ in 0..<20_000 {
      var changed = bytes
      for _ in 0...random.next() % 4 {
        changed[Int(random.next() % UInt64(changed.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      try? read(changed) { event in
        for attribute in event.attributes {
          _ = Array(attribute.texts).count + Array(attribute.numbers).count
        }
        _ = event.refusal(within: EventBounds())
      }
    }
  }

  @Test(
    "malformed framing is refused",
    arguments: [
      ([0x00, 0x01], WireFormatError.malformed),  // field 0
      ([0xA3, 0x06], .malformed),  // unknown group
      ([0x08, 0x01], .wireType(field: 1)),  // id as varint
      ([0x10] + [UInt8](repeating: 0xFF, count: 11), .malformed),  // varint of 11 bytes
      ([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], .truncated),  // length of 2^64 - 1
      ([0x42, 0x00, 0x4A, 0x00], .repeated(field: 9)),  // two kinds
    ] as [([UInt8], WireFormatError)])
  func malformed(bytes: [UInt8], error: WireFormatError) {
    #expect(throws: error) { try read(bytes) { _ in } }
  }

  @Test(
    "an attribute that is malformed inside ends the iteration and is refused",
    arguments: [
      [0x2A, 0x04, 0x0A, 0x02, 0x00, 0x00],  // a vector of two bytes
      [0x0A, 0x09, 0x61],  // a name that reaches past the end
      [0x10, 0x01],  // a number as varint
      [0x30, 0x01, 0x30, 0x01],  // two values
      [0x22, 0x02, 0x08, 0x01],  // a list of varints
    ] as [[UInt8]])
  func malformedAttribute(bytes: [UInt8]) throws {
    let whole = [0x0A, 1, 0x74, 0x2A, 3, 0x0A, 1, 0x61, 0x2A, UInt8(bytes.count)] + bytes
    try read([0x42, UInt8(whole.count)] + whole) { event in
      #expect(event.attributes.count == 2 && event.attributes.map(\.name.string) == ["a"])
      #expect(event.refusal(within: EventBounds()) != nil)
    }
    let last = [0x0A, 1, 0x74, 0x2A, UInt8(bytes.count)] + bytes
    try read([0x42, UInt8(last.count)] + last) { event in
      #expect(
        event.refusal(within: EventBounds())?.description == "interaction.context[0]: malformed")
    }
  }

  @Test("a refusal names the field, the value and the bound")
  func refusals() throws {
    func refusal(_ kind: EventBuilder.Kind, id: String = "") throws -> String? {
      try read(EventBuilder(id: id, kind).encoded()) { $0.refusal(within: EventBounds())?.description }
    }
    func context(_ value: AttributeValue, name: String = "x") throws -> String? {
      try refusal(.interaction(type: "t", context: [NamedAttribute(name, value)]))
    }
    let long = String(repeating: "x", count: 300)
    #expect(try refusal(.interaction(type: "t"), id: long) == "id: 300 bytes; at most 256")
    #expect(try refusal(.interaction(type: "")) == "interaction.type: empty; 1 to 64 bytes are required")
    #expect(try refusal(.interaction(type: "t", user: long)) == "interaction.user: 300 bytes; at most 256")
    #expect(
      try refusal(.interaction(type: "t", value: .nan))
        == "interaction.value: nan; a finite number is required")
    #expect(
      try refusal(.interaction(type: "t", weight: -1))
        == "interaction.weight: -1.0; a finite number of at least 0 is required")
    #expect(
      try context(.number(.infinity)) == "interaction.context[0].number: inf; a finite number is required")
    #expect(
      try context(.numbers([1, .nan]))
        == "interaction.context[0].numbers[1]: nan; a finite number is required")
    #expect(
      try context(.texts(Array(repeating: "a", count: 1_025)))
        == "interaction.context[0].texts: 1025 categories; at most 1024")
    #expect(
      try context(.text(String(repeating: "a", count: 4 << 20)))
        == "interaction.context[0].text: 4194304 bytes; at most 65536")
    #expect(
      try context(.flag(true), name: "") == "interaction.context[0].name: empty; 1 to 64 bytes are required")
    #expect(
      try refusal(.entity(.unspecified, id: "a", .set)) == "entity.entity: unknown; user or item is required")
    #expect(try refusal(.entity(.user, id: "", .set)) == "entity.id: empty; 1 to 256 bytes are required")
    #expect(
      try refusal(.entity(.user, id: "a", .unspecified))
        == "entity.action: unknown; set, merge or delete is required")
    #expect(
      try read([]) { $0.refusal(within: EventBounds())?.description }
        == "kind: nothing; one of interaction, entity, retraction and impressions is required")
    #expect(try read([0x0A, 2, 0xC3, 0x28, 0x52, 0]) { $0.refusal(within: EventBounds())?.field } == "id")
  }

  @Test("UTF-8 is told from what only looks like it")
  func utf8() {
    func valid(_ bytes: [UInt8]) -> Bool {
      bytes.withUnsafeBytes { ByteView(base: $0.baseAddress!, count: $0.count).isUTF8 }
    }
    #expect(valid(Array("naïve 漢字 🐦 plain ascii text".utf8)))
    for bad: [UInt8] in [
      [0x80], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
      [0xF5, 0x80, 0x80, 0x80],
      [0xE2, 0x82], [0xFF], Array("12345678".utf8) + [0xC3],
    ] {
      #expect(!valid(bad), "\(bad)")
    }
  }
}

private struct SplitMix {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
