// Byte strings of any length in chunks of one size, so that memory is what is held and no more, whatever the lengths.
//
//   page of 16   ┌ chunk ┬ chunk ┬ … ┐      chunk   ┌ next u32 ┬ 252 bytes ┐     next: number + 1; 0: the last
//
// A string is named by the number of its first chunk + 1; 0 names none. Freed chunks are used again, last in first out.

internal import Glibc
internal import Primitives
internal import Tables

struct ChainStore: Sendable {
  static let chunkBytes = 252

  private var chunks = RowStore(rowBytes: chunkBytes + 4, rowsPerPage: 16)
  private(set) var used: UInt32 = 0
  private var free: UInt32 = 0
  /// Chunks that strings hold.
  private(set) var held = 0

  static func chunks(_ byteCount: Int) -> Int { (byteCount + chunkBytes - 1) / chunkBytes }

  /// Keeps the bytes; 0 for none.
  mutating func store(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var next: UInt32 = 0
    // From the end, so that each chunk knows the next.
    for index in (0..<Self.chunks(bytes.count)).reversed() {
      let number = take()
      let part = bytes[index * Self.chunkBytes..<min(bytes.count, (index + 1) * Self.chunkBytes)]
      let chunk = chunks.writer().row(Int(number))
      chunk.storeBytes(of: next, as: UInt32.self)
      UnsafeMutableRawBufferPointer(start: chunk + 4, count: Self.chunkBytes).copyBytes(from: part)
      next = number + 1
    }
    return next
  }

  private mutating func take() -> UInt32 {
    held += 1
    guard free != 0 else {
      used += 1
      chunks.ensure(Int(used))
      return used - 1
    }
    let number = free - 1
    free = chunks.reader.row(Int(number)).load(as: UInt32.self)
    return number
  }

  mutating func release(_ name: UInt32) {
    var name = name
    while name != 0 {
      let chunk = chunks.writer().row(Int(name) - 1)
      let next = chunk.load(as: UInt32.self)
      memset(chunk, 0, Self.chunkBytes + 4)
      chunk.storeBytes(of: free, as: UInt32.self)
      free = name
      held -= 1
      name = next
    }
  }

  /// The first `count` bytes of a string.
  func bytes(_ name: UInt32, _ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      var name = name
      while name != 0 && filled < count {
        let chunk = chunks.reader.row(Int(name) - 1)
        let part = min(Self.chunkBytes, count - filled)
        (buffer.baseAddress! + filled).update(
          from: (chunk + 4).assumingMemoryBound(to: UInt8.self), count: part)
        filled += part
        name = chunk.load(as: UInt32.self)
      }
    }
  }

  func firstWord(of name: UInt32) -> UInt32 {
    chunks.reader.row(Int(name) - 1).load(fromByteOffset: 4, as: UInt32.self)
  }

  /// Adds to the number that a string begins with; returns what it is then.
  mutating func add(_ change: Int, toFirstWordOf name: UInt32) -> UInt32 {
    let chunk = chunks.writer().row(Int(name) - 1)
    let word = UInt32(truncatingIfNeeded: Int((chunk + 4).load(as: UInt32.self)) &+ change)
    (chunk + 4).storeBytes(of: word, as: UInt32.self)
    return word
  }

  var digest: Digest {
    var digest = chunks.digest
    digest.append([UInt64(used), UInt64(free), UInt64(held)].withUnsafeBytes { Digest(of: $0) })
    return digest
  }

  var bytes: Int { chunks.bytes }

  /// Bytes of pages for so many chunks.
  static func bytesBound(chunks: Int) -> Int {
    (chunks + 15) / 16 * (16 * (chunkBytes + 4) + PageHeader.pageBytes)
  }

  func write<Sink: PageSink>(to sink: inout Sink, name: String, since parent: ChainStore?) throws {
    try sink.write(name: name, Words(words: [UInt64(used), UInt64(free), UInt64(held)]))
    try chunks.write(to: &sink, name: name + ".chunks", since: parent?.chunks)
  }

  mutating func apply<Source: PageSource>(from source: inout Source, name: String) throws {
    let words = try source.read(name: name, Words.self).words
    try chunks.apply(from: &source, name: name + ".chunks")
    guard words.count == 3, words[0] <= UInt64(chunks.capacity), words[1] <= words[0], words[2] <= words[0]
    else { throw PageStreamError.malformed(section: name, what: "counts that no chains have") }
    (used, free, held) = (UInt32(words[0]), UInt32(words[1]), Int(words[2]))
    // All free chunks are in one chain, and no chunk is in it twice.
    var (number, count) = (free, 0)
    while number != 0 {
      guard number <= used, count < Int(used) - held else {
        throw PageStreamError.malformed(section: name, what: "free chunks")
      }
      number = chunks.reader.row(Int(number) - 1).load(as: UInt32.self)
      count += 1
    }
    guard count == Int(used) - held else {
      throw PageStreamError.malformed(section: name, what: "chunks in no chain")
    }
  }

  /// True if the name may be a string of `count` bytes: what restored state is checked with.
  func holds(_ name: UInt32, _ count: Int) -> Bool {
    var (name, left) = (name, Self.chunks(count))
    while name != 0 {
      guard name <= used, left > 0 else { return false }
      name = chunks.reader.row(Int(name) - 1).load(as: UInt32.self)
      left -= 1
    }
    return left == 0
  }
}
