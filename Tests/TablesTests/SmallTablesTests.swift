import Primitives
import Testing

@testable import Tables

@Suite("Arrays, names, blobs and vectors")
struct SmallTablesTests {
  @Test("a paged array is an array, through copies, resizing and its pages", arguments: 1...8)
  func pagedArray(seed: Int) throws {
    var random = SeededRandom(UInt64(seed))
    var pairs = [(array: PagedArray<UInt32>(repeating: 7, pageBytes: 64), model: [UInt32]())]
    for step in 0..<3000 {
      let index = random.below(pairs.count)
      switch random.below(20) {
      case 0 where pairs.count < 6: pairs.append(pairs[index])
      case 1 where pairs.count > 2: pairs.remove(at: index)
      case 2:
        let count = random.below(200)
        pairs[index].array.resize(to: count)
        let model = pairs[index].model
        pairs[index].model =
          Array(model.prefix(count)) + Array(repeating: 7, count: max(0, count - model.count))
      case 3..<10:
        let value = UInt32(truncatingIfNeeded: random.next())
        pairs[index].array.append(value)
        pairs[index].model.append(value)
      default:
        guard !pairs[index].model.isEmpty else { continue }
        let place = random.below(pairs[index].model.count)
        pairs[index].array[place] = UInt32(step)
        pairs[index].model[place] = UInt32(step)
      }
      if step % 300 == 299 {
        for pair in pairs { #expect((0..<pair.array.count).map { pair.array[$0] } == pair.model) }
      }
    }
    var parent = pairs[0].array
    var buffer = PageBuffer()
    try parent.write(to: &buffer, name: "a")
    var child = parent
    child.append(1)
    child[0] = 99
    try child.write(to: &buffer, name: "a", since: parent)
    var read = try PagedArray<UInt32>(from: &buffer, name: "a", repeating: 7, pageBytes: 64)
    #expect(read == parent)
    try read.apply(from: &buffer, name: "a")
    #expect(read == child)
    // Equal contents, equal digests, whatever the history.
    var plain = PagedArray<UInt32>(repeating: 7, pageBytes: 64)
    for index in 0..<parent.count { plain.append(parent[index]) }
    #expect(plain.digest == parent.digest)
    parent.resize(to: 0)
    #expect(parent.isEmpty)
  }

  @Test("names keep their numbers, removed ones give theirs back", arguments: 1...5)
  func internTable(seed: Int) throws {
    var random = SeededRandom(UInt64(seed))
    var table = InternTable()
    var model: [String: UInt32] = [:]
    var copies: [(InternTable, [String: UInt32])] = []
    let names = ["", "a", "ä", String(repeating: "long ", count: 400)] + (0..<300).map { "user-\($0)" }
    for _ in 0..<3000 {
      let name = names[random.below(names.count)]
      switch random.below(5) {
      case 0:
        if let ordinal = model.removeValue(forKey: name) {
          let removed = table.remove(ordinal)
          #expect(removed)
        }
      case 1: #expect(table.find(name) == model[name])
      default:
        let number = table.intern(name)
        let ordinal = try #require(number)
        if let known = model[name] { #expect(known == ordinal) }
        model[name] = ordinal
      }
      if random.below(300) == 0 { copies.append((table, model)) }
    }
    for (copy, model) in copies + [(table, model)] {
      #expect(copy.count == model.count)
      for (name, ordinal) in model {
        #expect(copy.find(name) == ordinal)
        #expect(copy.string(of: ordinal) == name)
      }
      #expect(copy.string(of: 1_000_000) == nil)
    }
    var buffer = PageBuffer()
    let parent = copies.first?.0 ?? table
    try parent.write(to: &buffer, name: "names")
    try table.write(to: &buffer, name: "names", since: parent)
    var read = try InternTable(from: &buffer, name: "names")
    #expect(read == parent)
    try read.apply(from: &buffer, name: "names")
    #expect(read == table)
    let fresh = (read.intern("fresh"), table.intern("fresh"))
    #expect(fresh.0 == fresh.1 && fresh.0 != nil)
    let tooLong = table.intern(String(repeating: "x", count: InternTable.maximumBytes + 1))
    #expect(tooLong == nil)
  }

  @Test("blobs come back whole, and room that became free is used again", arguments: 1...5)
  func blobTable(seed: Int) throws {
    var random = SeededRandom(UInt64(seed))
    var table = BlobTable()
    var model: [UInt64: [UInt8]] = [:]
    var copies: [(BlobTable, [UInt64: [UInt8]])] = []
    for _ in 0..<3000 {
      let key = testKeys(100)[random.below(100)]
      if random.below(4) == 0 {
        let removed = table.remove(key)
        #expect(removed == (model.removeValue(forKey: key) != nil))
      } else {
        let bytes = (0..<random.below(random.below(40) == 0 ? 65537 : 200)).map {
          UInt8(truncatingIfNeeded: $0)
        }
        let kept = table.set(key, bytes)
        #expect(kept)
        model[key] = bytes
      }
      if random.below(500) == 0 { copies.append((table, model)) }
    }
    for (copy, model) in copies + [(table, model)] {
      for key in testKeys(100) { #expect(copy.bytes(of: key) == model[key]) }
    }
    let kept = table.set(1, [UInt8](repeating: 0, count: BlobTable.maximumBytes + 1))
    #expect(!kept)
    var buffer = PageBuffer()
    let parent = copies.first?.0 ?? table
    try parent.write(to: &buffer, name: "blobs")
    try table.write(to: &buffer, name: "blobs", since: parent)
    var read = try BlobTable(from: &buffer, name: "blobs")
    #expect(read == parent)
    try read.apply(from: &buffer, name: "blobs")
    #expect(read == table)
    // A thousand rewrites of one key need no more room than one.
    copies = []
    for length in 0..<1000 { table.set(5, [UInt8](repeating: 1, count: 100 + length % 20)) }
    let use = table.memory.livePages
    for length in 0..<1000 { table.set(5, [UInt8](repeating: 1, count: 100 + length % 20)) }
    #expect(table.memory.livePages == use)
  }

  @Test("a matrix keeps its vectors and says which are there", arguments: [1, 3, 16, 33, 200])
  func vectorMatrix(dimension: Int) throws {
    var random = SeededRandom(UInt64(dimension))
    var matrix = VectorMatrix(dimension: dimension)
    var model: [UInt32: [Float]] = [:]
    var copies: [(VectorMatrix, [UInt32: [Float]])] = []
    for step in 0..<2000 {
      let ordinal = UInt32(random.below(500))
      if random.below(5) == 0 {
        matrix.remove(ordinal)
        model[ordinal] = nil
      } else {
        let vector = (0..<dimension).map { Float($0 + step) }
        matrix.set(ordinal, vector)
        model[ordinal] = vector
      }
      if step % 400 == 0 { copies.append((matrix, model)) }
    }
    for (copy, model) in copies + [(matrix, model)] {
      #expect(copy.count == model.count)
      var found: [UInt32: [Float]] = [:]
      copy.forEachPage { first, present, rows in
        for place in 0..<copy.rowsPerPage where present >> UInt64(place) & 1 == 1 {
          let row = UnsafeBufferPointer(start: rows + place * copy.rowStride, count: copy.rowStride)
          found[first + UInt32(place)] = Array(row.prefix(dimension))
          #expect(row.dropFirst(dimension).allSatisfy { $0 == 0 })
        }
      }
      #expect(found == model)
      for ordinal in 0..<UInt32(600) { #expect(copy.vector(ordinal) == model[ordinal]) }
    }
    var buffer = PageBuffer()
    try copies[0].0.write(to: &buffer, name: "m")
    try matrix.write(to: &buffer, name: "m", since: copies[0].0)
    var read = try VectorMatrix(from: &buffer, name: "m")
    #expect(read == copies[0].0)
    try read.apply(from: &buffer, name: "m")
    #expect(read == matrix)
    #expect(read.count == matrix.count)
  }

  @Test("dense weights are copied when written, and come back from their pages")
  func denseArray() throws {
    var weights = DenseArray((0..<3000).map { Float($0) })
    let before = weights
    weights[2999] = -1
    weights.withUnsafeMutableBufferPointer { $0[0] = 5 }
    #expect(before[0] == 0 && before[2999] == 2999)
    #expect(weights[0] == 5 && weights[2999] == -1 && weights[1500] == 1500)
    var buffer = PageBuffer()
    try before.write(to: &buffer, name: "w")
    try weights.write(to: &buffer, name: "w", since: before)
    var read = try DenseArray(from: &buffer, name: "w")
    #expect(read == before)
    try read.apply(from: &buffer, name: "w")
    #expect(read == weights && read.digest == weights.digest)
    var another = PageBuffer()
    try weights.write(to: &another, name: "w", since: before)
    #expect(throws: PageStreamError.self) { try read.apply(from: &another, name: "w") }
    #expect(DenseArray(count: 0) == DenseArray([]))
  }
}
