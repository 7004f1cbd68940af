import Testing

@testable import Wire

@Suite struct ProtoReaderTests {
  @Test(
    "a varint is read as it was written, at its edges",
    arguments: [0, 1, 127, 128, 300, 16383, 16384, 1 << 32, 1 << 63, UInt64.max])
  func varints(value: UInt64) throws {
    var bytes: [UInt8] = []
    Varint.append(value, to: &bytes)
    #expect(bytes.count == Varint.size(value))
    let raw = UnsafeMutableRawPointer.allocate(byteCount: 10, alignment: 1)
    defer { raw.deallocate() }
    #expect(Varint.write(value, to: raw) == bytes.count)
    #expect(Array(UnsafeRawBufferPointer(start: raw, count: bytes.count)) == bytes)
    let (read, isAtEnd) = try bytes.withUnsafeBytes { bytes in
      var reader = ProtoReader(bytes)
      let read = try reader.varint()
      return (read, reader.isAtEnd)
    }
    #expect(read == value)
    #expect(isAtEnd)
  }

  @Test("a varint that ends too early, or never, is refused")
  func badVarints() {
    func fault(_ bytes: [UInt8]) -> WireFault? {
      bytes.withUnsafeBytes { bytes in
        var reader = ProtoReader(bytes)
        do throws(WireFault) {
          _ = try reader.varint()
          return nil
        } catch {
          return error
        }
      }
    }
    #expect(fault([]) == .truncated(at: 0))
    #expect(fault([0x80]) == .truncated(at: 0))
    #expect(fault([UInt8](repeating: 0x80, count: 10)) == .varintTooLong(at: 0))
    #expect(fault([UInt8](repeating: 0xFF, count: 11)) == .varintTooLong(at: 0))
    #expect(fault([UInt8](repeating: 0xFF, count: 9) + [0x01]) == nil)
  }

  @Test("a tag with field 0, a field above 2^29 - 1 or an unknown wire type is refused")
  func badTags() {
    func isRefused(_ value: UInt64) -> Bool {
      var bytes: [UInt8] = []
      Varint.append(value, to: &bytes)
      return bytes.withUnsafeBytes { bytes in
        var reader = ProtoReader(bytes)
        return (try? reader.tag()) == nil
      }
    }
    #expect(isRefused(0))
    #expect(isRefused(2))
    #expect(isRefused(8 | 6))
    #expect(isRefused(8 | 7))
    #expect(isRefused(1 << 32))
    #expect(isRefused(UInt64.max))
    #expect(!isRefused(8 | 5))
    #expect(!isRefused(UInt64((1 << 29) - 1) << 3))
  }
}
