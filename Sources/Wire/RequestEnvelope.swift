// The envelope of a ttrpc request, read in place: the fields are ranges of the frame's bytes.
//
//   1: service  string     4: timeout_nano  int64
//   2: method   string     5: metadata      repeated {1: key string, 2: value string}
//   3: payload  bytes      others are passed over

/// A request as it came, without copies. Valid as long as the frame's bytes are.
package struct RequestEnvelope {
  package private(set) var service = UnsafeRawBufferPointer(start: nil, count: 0)
  package private(set) var method = UnsafeRawBufferPointer(start: nil, count: 0)
  package private(set) var payload = UnsafeRawBufferPointer(start: nil, count: 0)
  /// Time given to the call; 0 means no deadline, below 0 that it has passed already.
  package private(set) var timeoutNanos: Int64 = 0
  package private(set) var metadataCount = 0
  private let frame: UnsafeRawBufferPointer

  /// Reads and checks the whole envelope.
  package init(_ bytes: UnsafeRawBufferPointer) throws(Status) {
    frame = bytes
    do throws(WireFault) {
      var reader = ProtoReader(bytes)
      while !reader.isAtEnd {
        let start = reader.position
        // hot: tags as they stand on the wire, field << 3 | type.
        switch try reader.varint() {
        case 1 << 3 | 2: service = try reader.lengthDelimited()
        case 2 << 3 | 2: method = try reader.lengthDelimited()
        case 3 << 3 | 2: payload = try reader.lengthDelimited()
        case 4 << 3 | 0: timeoutNanos = Int64(bitPattern: try reader.varint())
        case 5 << 3 | 2:
          try Self.check(metadata: try reader.lengthDelimited(), at: reader.position)
          metadataCount += 1
        case let tag:
          let (field, type) = try ProtoReader.parts(ofTag: tag, at: start)
          if (1...5).contains(field) { throw .badTag(at: reader.position) }
          try reader.skip(type)
        }
      }
    } catch {
      throw Status(.invalidArgument, "ttrpc.Request \(error.reason)")
    }
    guard Text.isUTF8(service) else {
      throw Status(.invalidArgument, "ttrpc.Request.service is not valid UTF-8")
    }
    guard Text.isUTF8(method) else {
      throw Status(.invalidArgument, "ttrpc.Request.method is not valid UTF-8")
    }
  }

  /// Values of one metadata key, in the order sent. Reads the frame again: for rare use.
  package func metadata(_ key: String) -> [String] {
    metadata().filter { $0.key == key }.map(\.value)
  }

  /// All metadata, in the order sent.
  package func metadata() -> [(key: String, value: String)] {
    var pairs: [(key: String, value: String)] = []
    guard metadataCount > 0 else { return pairs }
    var reader = ProtoReader(frame)
    // The whole frame was read once without a fault.
    while !reader.isAtEnd, let (field, type) = try? reader.tag() {
      guard field == 5, let entry = try? reader.lengthDelimited() else {
        try? reader.skip(type)
        continue
      }
      var inner = ProtoReader(entry)
      var pair = (key: "", value: "")
      while !inner.isAtEnd, let (field, type) = try? inner.tag() {
        if type == .lengthDelimited, let text = try? inner.lengthDelimited() {
          if field == 1 { pair.key = String(decoding: text, as: UTF8.self) }
          if field == 2 { pair.value = String(decoding: text, as: UTF8.self) }
        } else {
          try? inner.skip(type)
        }
      }
      pairs.append(pair)
    }
    return pairs
  }

  private static func check(metadata entry: UnsafeRawBufferPointer, at end: Int) throws(WireFault) {
    var reader = ProtoReader(entry)
    while !reader.isAtEnd {
      let (field, type) = try reader.tag()
      if field <= 2 {
        guard type == .lengthDelimited, Text.isUTF8(try reader.lengthDelimited()) else {
          throw .badTag(at: end - entry.count)
        }
      } else {
        try reader.skip(type)
      }
    }
  }
}
