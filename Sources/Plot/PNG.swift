// A PNG file (ISO/IEC 15948) of true colours, small enough for pictures of lines on paper.

enum PNG {
  /// - Parameter rgb: rows from the top, three bytes a pixel.
  static func encode(width: Int, height: Int, rgb: [UInt8]) -> [UInt8] {
    precondition(rgb.count == width * height * 3)
    var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    var header: [UInt8] = []
    append(UInt32(width), to: &header)
    append(UInt32(height), to: &header)
    // 8 bits, true colour, deflate, adaptive filters, no interlace.
    header += [8, 2, 0, 0, 0]
    chunk("IHDR", header, to: &file)
    chunk("IDAT", zlib(filtered(width: width, height: height, rgb: rgb)), to: &file)
    chunk("IEND", [], to: &file)
    return file
  }

  /// Each row as its difference from the one above (filter 2): empty paper becomes zeros.
  private static func filtered(width: Int, height: Int, rgb: [UInt8]) -> [UInt8] {
    let stride = width * 3
    var bytes: [UInt8] = []
    bytes.reserveCapacity((stride + 1) * height)
    for row in 0..<height {
      bytes.append(2)
      for index in row * stride..<(row + 1) * stride {
        bytes.append(rgb[index] &- (row > 0 ? rgb[index - stride] : 0))
      }
    }
    return bytes
  }

  private static func chunk(_ type: String, _ body: [UInt8], to file: inout [UInt8]) {
    append(UInt32(body.count), to: &file)
    let content = Array(type.utf8) + body
    file += content
    append(crc32(content), to: &file)
  }

  private static func append(_ value: UInt32, to bytes: inout [UInt8]) {
    for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(value >> shift & 255)) }
  }

  private static let crcTable: [UInt32] = (0..<256 as Range<UInt32>).map { byte in
    (0..<8).reduce(byte) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
  }

  static func crc32(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~0) { crcTable[Int(($0 ^ UInt32($1)) & 255)] ^ $0 >> 8 }
  }

  static func adler32(_ bytes: [UInt8]) -> UInt32 {
    var (a, b): (UInt32, UInt32) = (1, 0)
    for byte in bytes {
      a = (a + UInt32(byte)) % 65_521
      b = (b + a) % 65_521
    }
    return b << 16 | a
  }

  private static func zlib(_ bytes: [UInt8]) -> [UInt8] {
    var stream: [UInt8] = [0x78, 0x01]
    stream += Deflate.compress(bytes)
    append(adler32(bytes), to: &stream)
    return stream
  }
}

/// Deflate (RFC 1951) with the fixed codes, where the only matches are runs of a byte (distance 1): all that filtered
/// pictures of lines need.
enum Deflate {
  static func compress(_ bytes: [UInt8]) -> [UInt8] {
    var bits = BitWriter()
    // The last block, fixed codes.
    bits.write(0b011, count: 3)
    var index = 0
    while index < bytes.count {
      literal(bytes[index], to: &bits)
      var run = 0
      while index + 1 + run < bytes.count, bytes[index + 1 + run] == bytes[index] { run += 1 }
      index += 1
      while run >= 3 {
        let length = min(run, 258)
        match(length: length, to: &bits)
        run -= length
        index += length
      }
    }
    bits.writeCode(0, count: 7)
    return bits.finished()
  }

  private static func literal(_ byte: UInt8, to bits: inout BitWriter) {
    if byte < 144 {
      bits.writeCode(0x30 + UInt32(byte), count: 8)
    } else {
      bits.writeCode(0x190 + UInt32(byte - 144), count: 9)
    }
  }

  /// A match of 3...258 bytes at distance 1.
  private static func match(length: Int, to bits: inout BitWriter) {
    // Length codes: base and extra bits (RFC 1951, 3.2.5).
    let bases = [
      3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
      227, 258,
    ]
    let place = bases.lastIndex { $0 <= length } ?? 0
    let extra = place < 8 || place == 28 ? 0 : place / 4 - 1
    let symbol = UInt32(257 + place)
    if symbol < 280 {
      bits.writeCode(symbol - 256, count: 7)
    } else {
      bits.writeCode(0xC0 + symbol - 280, count: 8)
    }
    bits.write(UInt32(length - bases[place]), count: extra)
    // Distance code 0: distance 1.
    bits.writeCode(0, count: 5)
  }
}

private struct BitWriter {
  private var bytes: [UInt8] = []
  private var pending: UInt64 = 0
  private var count = 0

  /// Lowest bit first.
  mutating func write(_ value: UInt32, count added: Int) {
    pending |= UInt64(value) << UInt64(count)
    count += added
    while count >= 8 {
      bytes.append(UInt8(pending & 255))
      pending >>= 8
      count -= 8
    }
  }

  /// A Huffman code: highest bit first.
  mutating func writeCode(_ code: UInt32, count added: Int) {
    var reversed: UInt32 = 0
    for bit in 0..<UInt32(added) { reversed |= (code >> bit & 1) << (UInt32(added) - 1 - bit) }
    write(reversed, count: added)
  }

  mutating func finished() -> [UInt8] {
    if count > 0 { write(0, count: 8 - count) }
    return bytes
  }
}
