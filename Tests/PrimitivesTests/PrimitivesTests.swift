import Testing

@testable import Primitives

@Suite struct PrimitivesTests {
  @Test("what is written is read back, equal")
  func roundTrip() throws {
    var writer = ByteWriter()
    writer.write(UInt16(0xBEEF))
    writer.write(-2.5)
    writer.write(Float.pi)
    writer.write(true)
    writer.write("größe")
    writer.write([1, 2, 3] as [UInt64]) { $0.write($1) }
    var reader = ByteReader(writer.bytes)
    #expect(try reader.read(UInt16.self) == 0xBEEF)
    #expect(try reader.read(Double.self) == -2.5)
    #expect(try reader.read(Float.self) == Float.pi)
    #expect(try reader.read(Bool.self))
    #expect(try reader.read(String.self) == "größe")
    let numbers = try reader.readArray(limit: 3) { reader throws(ByteCodecError) in
      try reader.read(UInt64.self)
    }
    #expect(numbers == [1, 2, 3])
    #expect(reader.isAtEnd)
  }

  @Test("bytes cut at any place throw, and never trap")
  func truncation() throws {
    var writer = ByteWriter()
    writer.write("abc")
    writer.write(7.0)
    for length in 0..<writer.bytes.count {
      var reader = ByteReader(Array(writer.bytes[..<length]))
      #expect(throws: ByteCodecError.self) {
        _ = try reader.read(String.self)
        _ = try reader.read(Double.self)
      }
    }
  }

  @Test("XXH3 gives the published values")
  func knownHashes() {
    // xxHash's own sanity values for the empty input with seed 0.
    #expect(StableHash.of("") == 0x2D06_8005_38D3_94C2)
    #expect(Digest(of: []).description == "99aa06d3014798d86001c324468d497f")
  }

  @Test("a part taken away from a digest leaves what was there before")
  func digestParts() {
    var sum = Digest(of: [1])
    let before = sum
    sum &+= Digest(of: [2], seed: 9)
    sum &+= Digest(of: [3], seed: 10)
    #expect(sum != before)
    sum &-= Digest(of: [2], seed: 9)
    sum &-= Digest(of: [3], seed: 10)
    #expect(sum == before)
  }

  @Test("a random number is a function of seed and counter, and its mean and variance are right")
  func counterRandom() {
    #expect(CounterRandom.bits(seed: 1, counter: 2) == CounterRandom.bits(seed: 1, counter: 2))
    #expect(CounterRandom.bits(seed: 1, counter: 2) != CounterRandom.bits(seed: 2, counter: 1))
    var mean = 0.0
    var square = 0.0
    for counter in 0..<20_000 {
      let value = CounterRandom.gauss(seed: 5, counter: UInt64(counter))
      mean += value / 20_000
      square += value * value / 20_000
    }
    #expect(abs(mean) < 0.03)
    #expect(abs(square - 1) < 0.04)
    #expect((0..<1_000).allSatisfy { CounterRandom.index(below: 7, seed: 3, counter: UInt64($0)) < 7 })
  }
}
