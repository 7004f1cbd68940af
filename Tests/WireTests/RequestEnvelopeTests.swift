import CMessages
import Primitives
import Testing

@testable import Wire

/// What an envelope said, copied out of its frame.
private struct Read: Equatable {
  var service: String
  var method: String
  var payload: [UInt8]
  var timeout: Int64
  var metadata: [String]
}

private func read(_ bytes: [UInt8]) throws(Status) -> Read {
  let outcome = bytes.withUnsafeBytes { bytes -> Result<Read, Status> in
    do throws(Status) {
      let envelope = try RequestEnvelope(bytes)
      return .success(
        Read(
          service: String(decoding: envelope.service, as: UTF8.self),
          method: String(decoding: envelope.method, as: UTF8.self), payload: Array(envelope.payload),
          timeout: envelope.timeoutNanos, metadata: envelope.metadata().map { "\($0.key)=\($0.value)" }))
    } catch {
      return .failure(error)
    }
  }
  return try outcome.get()
}

/// The envelope as protobuf-c writes it: another implementation than ours.
private func golden(
  service: String, method: String, payload: [UInt8], timeout: Int64, metadata: [(String, String)]
) -> [UInt8] {
  var request = Ttrpc__Request()
  ttrpc__request__init(&request)
  var texts: [UnsafeMutablePointer<CChar>] = []
  func text(_ value: String) -> UnsafeMutablePointer<CChar> {
    let bytes = Array(value.utf8CString)
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    copy.initialize(from: bytes, count: bytes.count)
    texts.append(copy)
    return copy
  }
  request.service = text(service)
  request.method = text(method)
  request.timeout_nano = timeout
  let pairs = UnsafeMutablePointer<Ttrpc__KeyValue>.allocate(capacity: metadata.count + 1)
  let pointers = UnsafeMutablePointer<UnsafeMutablePointer<Ttrpc__KeyValue>?>.allocate(
    capacity: metadata.count + 1)
  for (place, pair) in metadata.enumerated() {
    ttrpc__key_value__init(pairs + place)
    pairs[place].key = text(pair.0)
    pairs[place].value = text(pair.1)
    pointers[place] = pairs + place
  }
  request.n_metadata = metadata.count
  request.metadata = pointers
  defer {
    for text in texts { text.deallocate() }
    pairs.deallocate()
    pointers.deallocate()
  }
  return payload.withUnsafeBytes { bytes in
    request.payload = ProtobufCBinaryData(borrowing: bytes)
    let size = ttrpc__request__get_packed_size(&request)
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      count = ttrpc__request__pack(&request, buffer.baseAddress)
    }
  }
}

@Suite struct RequestEnvelopeTests {
  private static let sample = golden(
    service: "cowbird.v1.Echo", method: "Unary", payload: [1, 2, 3], timeout: 5_000_000_000,
    metadata: [("trace", "äöü"), ("trace", "2"), ("empty", "")])

  @Test("an envelope written by protobuf-c is read field by field")
  func goldenBytes() throws {
    let envelope = try read(Self.sample)
    #expect(
      envelope
        == Read(
          service: "cowbird.v1.Echo", method: "Unary", payload: [1, 2, 3], timeout: 5_000_000_000,
          metadata: ["trace=äöü", "trace=2", "empty="]))
    #expect(try read([]) == Read(service: "", method: "", payload: [], timeout: 0, metadata: []))
  }

  @Test("an envelope cut at any byte is read as what is there or refused, never past its end")
  func truncated() {
    for length in 0..<Self.sample.count {
      do throws(Status) {
        let part = try read(Array(Self.sample.prefix(length)))
        #expect("cowbird.v1.Echo".hasPrefix(part.service))
      } catch {
        #expect(error.code == .invalidArgument)
        #expect(error.message.hasPrefix("ttrpc.Request"))
      }
    }
  }

  @Test("fields that are not known are passed over, whatever their wire type")
  func unknownFields() throws {
    let unknown: [UInt8] =
      [6 << 3, 0xFF, 0x01] + [7 << 3 | 1, 1, 2, 3, 4, 5, 6, 7, 8] + [8 << 3 | 2, 2, 0xFF, 0xFF]
      + [9 << 3 | 5, 1, 2, 3, 4] + [0xFA, 0xFF, 0xFF, 0xFF, 0x0F, 0]
    #expect(try read(unknown + Self.sample + unknown) == read(Self.sample))
  }

  @Test(
    "a known field of the wrong wire type, a group, invalid UTF-8 and lying lengths are refused",
    arguments: [
      [1 << 3, 1], [2 << 3 | 5, 1, 2, 3, 4], [3 << 3, 1], [4 << 3 | 2, 1, 1], [5 << 3, 0],
      [6 << 3 | 3, 6 << 3 | 4], [1 << 3 | 2, 1, 0xFF], [2 << 3 | 2, 2, 0xC0, 0x80], [3 << 3 | 2, 0x05, 1],
      [3 << 3 | 2, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], [4 << 3, 0x80],
      [4 << 3, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], [0], [7],
      [5 << 3 | 2, 3, 1 << 3 | 2, 1, 0xFF], [5 << 3 | 2, 2, 1 << 3, 1], [5 << 3 | 2, 2, 1 << 3 | 2, 9],
    ] as [[UInt8]])
  func malformed(bytes: [UInt8]) {
    #expect(throws: Status.self) { try read(bytes) }
    do {
      _ = try read(bytes)
    } catch {
      #expect(error.code == .invalidArgument)
    }
  }

  @Test("of a field that comes twice the last counts")
  func lastWins() throws {
    let twice = golden(service: "a", method: "b", payload: [1], timeout: 1, metadata: []) + Self.sample
    #expect(try read(twice) == read(Self.sample))
  }

  @Test("random changes to an envelope never do more than refuse it")
  func mutated() {
    for trial in 0..<20_000 {
      var bytes = Self.sample
      for change in 0..<3 {
        let place = CounterRandom.index(below: bytes.count, seed: 7, counter: UInt64(trial * 8 + change))
        bytes[place] = UInt8(
          truncatingIfNeeded: CounterRandom.bits(seed: 8, counter: UInt64(trial * 8 + change)))
      }
      do throws(Status) {
        _ = try read(bytes)
      } catch {
        #expect(error.code == .invalidArgument)
      }
    }
  }

  @Test("a response's status and payload are told apart")
  func responses() throws {
    func read(_ bytes: [UInt8]) throws -> (Status?, [UInt8]) {
      try bytes.withUnsafeBytes {
        let response = try ResponseEnvelope($0)
        return (response.status, Array(response.payload))
      }
    }
    #expect(try read([]).0 == nil)
    #expect(try read([0x0A, 0]).0 == nil)
    #expect(try read([0x12, 2, 5, 6]).1 == [5, 6])
    let failed = try read([0x0A, 6, 8, 3, 0x12, 2, 0x6E, 0x6F])
    #expect(failed.0 == Status(.invalidArgument, "no"))
    #expect(throws: Status.self) { try read([0x12, 9]) }
  }
}
