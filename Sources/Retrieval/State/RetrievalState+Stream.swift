// The state as sections, its digest, and the memory it holds. Indexes of keys are made anew when read back.

package import Primitives
package import Tables

extension RetrievalState {
  /// Stands for all that was learned: equal after the same calls, after a restart, on every machine.
  package var digest: Digest {
    var digest = Digest(of: scalars)
    for part in [
      items.digest, users.digest, values.digest, pages.digest, past.digest, impressions.digest,
      neighbours.digest, blocks.digest, vectors.digest, people.digest, rings.digest, older.digest,
      valueUse.digest, sampler.digest,
    ] { digest.append(part) }
    if let elementwise { digest.append(elementwise.digest) }
    for segment in segments { digest.append(segment.digest) }
    return digest
  }

  private var scalars: [UInt8] {
    var writer = ByteWriter()
    writer.write(events)
    writer.write(contentEvents)
    writer.write(counters.evictedItems)
    writer.write(counters.evictedUsers)
    writer.write(counters.evictedSegments)
    writer.write(counters.refusedValues)
    writer.write(weights)
    blend.encode(to: &writer)
    return writer.bytes
  }

  /// Bytes of pages, without what snapshots keep of earlier ones.
  package var bytes: Int {
    let parts = [
      items.bytes, users.bytes, values.bytes, pages.bytes, past.bytes, impressions.bytes, neighbours.bytes,
      blocks.bytes, vectors.bytes, people.bytes, rings.bytes, older.bytes, valueUse.bytes, sampler.bytes,
    ]
    return parts.reduce(0, +) + (elementwise?.bytes ?? 0)
      + segments.reduce(0) { $0 + $1.values.bytes + $1.lists.bytes }
  }

  /// Bytes that learning copied because snapshots saw them, by part.
  package var copiedBytes: [(part: String, bytes: Int)] {
    [
      ("items", pages.copiedBytes), ("past", past.copiedBytes),
      ("neighbours", neighbours.references.copiedBytes + neighbours.slabs.copiedBytes),
      ("users", people.copiedBytes), ("histories", rings.copiedBytes + older.copiedBytes),
      ("values", valueUse.copiedBytes),
    ]
  }

  /// What the state can grow to under the plan's bounds: a sum over its tables, the worst case in each.
  package var bytesBound: Int {
    let bounds = plan.bounds
    let itemBytes =
      layout.bytes / 32 + past.rowBytes + 16 + 1 + 16 + impressions.rowBytes + vectors.rowBytes / 32
    var sum =
      bounds.items * itemBytes + bounds.users * (people.rowBytes + 33) + bounds.attributeValues * 41
      + plan.recent * 4
    sum += rings.bytesBound(lists: bounds.users)
    if plan.neighbours != nil { sum += 4 * bounds.items + neighbours.slabs.bytesBound(lists: bounds.items) }
    if let elementwise { sum += 16 * bounds.items + elementwise.slabs.bytesBound(lists: bounds.items) }
    if plan.content != nil { sum += blocks.bytesBound(lists: (bounds.items + 31) / 32) }
    if plan.seenItems > 0 { sum += older.bytesBound(lists: bounds.users) }
    for segment in segments {
      sum += bounds.segments * 37 + segment.lists.slabs.bytesBound(lists: bounds.segments)
    }
    return sum + sum / 16 + (1 << 20)
  }

  /// Writes the whole state, or what has changed since `parent`, an older copy of it.
  package func write<Sink: PageSink>(
    to sink: inout Sink, name: String, since parent: RetrievalState? = nil
  ) throws {
    if sink.takesPages { checkWritable() }
    try sink.write(name: name, Blob(bytes: scalars))
    try items.write(to: &sink, name: name + ".items", since: parent?.items)
    try users.write(to: &sink, name: name + ".users", since: parent?.users)
    try values.write(to: &sink, name: name + ".values", since: parent?.values)
    try pages.write(to: &sink, name: name + ".pages", since: parent?.pages)
    try past.write(to: &sink, name: name + ".past", since: parent?.past)
    try impressions.write(to: &sink, name: name + ".impressions", since: parent?.impressions)
    try neighbours.write(to: &sink, name: name + ".neighbours", since: parent?.neighbours)
    try blocks.write(to: &sink, name: name + ".blocks", since: parent?.blocks)
    try vectors.write(to: &sink, name: name + ".vectors", since: parent?.vectors)
    try people.write(to: &sink, name: name + ".people", since: parent?.people)
    try rings.write(to: &sink, name: name + ".rings", since: parent?.rings)
    try older.write(to: &sink, name: name + ".older", since: parent?.older)
    try valueUse.write(to: &sink, name: name + ".use", since: parent?.valueUse)
    try sampler.write(to: &sink, name: name + ".sampler", since: parent?.sampler)
    try elementwise?.write(to: &sink, name: name + ".eals", since: parent?.elementwise)
    for (index, segment) in segments.enumerated() {
      let base = parent?.segments[index]
      try segment.values.write(to: &sink, name: "\(name).segment\(index)", since: base?.values)
      try segment.lists.write(to: &sink, name: "\(name).segment\(index).lists", since: base?.lists)
    }
  }

  /// Reads a state that was written whole, under the same plan.
  package init<Source: PageSource>(
    _ plan: RetrievalPlan, from source: inout Source, name: String
  ) throws {
    self.init(plan)
    try apply(from: &source, name: name)
  }

  /// Reads what was written `since` a state equal to this one. When it throws, the state is as it was.
  package mutating func apply<Source: PageSource>(from source: inout Source, name: String) throws {
    checkWritable()
    var next = self
    try next.lay(from: &source, name: name)
    self = next
  }

  private mutating func lay<Source: PageSource>(from source: inout Source, name: String) throws {
    var reader = ByteReader(try source.read(name: name, Blob.self).bytes)
    try decode(&reader, name)
    try items.apply(from: &source, name: name + ".items")
    try users.apply(from: &source, name: name + ".users")
    try values.apply(from: &source, name: name + ".values")
    try pages.apply(from: &source, name: name + ".pages")
    try past.apply(from: &source, name: name + ".past")
    try impressions.apply(from: &source, name: name + ".impressions")
    try neighbours.apply(from: &source, name: name + ".neighbours", rows: items.limit)
    try blocks.apply(from: &source, name: name + ".blocks")
    try vectors.apply(from: &source, name: name + ".vectors")
    try people.apply(from: &source, name: name + ".people")
    try rings.apply(from: &source, name: name + ".rings")
    try older.apply(from: &source, name: name + ".older")
    try valueUse.apply(from: &source, name: name + ".use")
    try sampler.apply(from: &source, name: name + ".sampler", rows: items.limit)
    try elementwise?.apply(from: &source, name: name + ".eals", users: users.limit)
    for index in segments.indices {
      try segments[index].values.apply(from: &source, name: "\(name).segment\(index)")
      try segments[index].lists.apply(
        from: &source, name: "\(name).segment\(index).lists", rows: items.limit)
    }
    try check(name)
  }

  private mutating func decode(_ reader: inout ByteReader, _ name: String) throws {
    events = try reader.read()
    contentEvents = try reader.read()
    counters.evictedItems = try reader.read()
    counters.evictedUsers = try reader.read()
    counters.evictedSegments = try reader.read()
    counters.refusedValues = try reader.read()
    let weights = try reader.read(FactorWeights.self)
    guard weights.length == self.weights.length, weights.pools == self.weights.pools,
      weights.values.count == self.weights.values.count, weights.values.allSatisfy({ $0.isFinite })
    else { throw PageStreamError.malformed(section: name, what: "weights of another plan") }
    self.weights = weights
    try blend.decode(from: &reader)
    guard reader.isAtEnd else { throw PageStreamError.malformed(section: name, what: "bytes after the end") }
  }

  /// What later reads trust: references between the tables.
  private func check(_ name: String) throws {
    func require(_ claim: Bool, _ what: String) throws {
      if !claim { throw PageStreamError.malformed(section: name, what: what) }
    }
    let limit = items.limit
    try require(
      pages.capacity * ItemLayout.items >= limit && past.capacity >= limit && impressions.capacity >= limit
        && neighbours.references.capacity >= limit, "items and their rows differ")
    let reader = pages.reader
    for page in 0..<pages.capacity {
      let tail = layout.tail(reader.page(page)).pointee
      for place in 0..<ItemLayout.items {
        let isLive = tail.live & (1 << UInt32(place)) != 0
        try require(isLive == items.isLive(page * ItemLayout.items + place), "live items of page \(page)")
      }
      guard tail.attributes != 0 else { continue }
      try require(blocks.holds(tail.attributes, Int(tail.slots) + 1), "the attributes of page \(page)")
      let block = blocks.slab(tail.attributes).assumingMemoryBound(to: UInt32.self)
      for place in 0..<32 { try require(block[place] <= tail.slots, "attributes of page \(page)") }
      for cell in 32..<32 * (Int(tail.slots) + 1) {
        try require(Int(block[cell]) <= values.limit, "an attribute value of page \(page)")
      }
    }
    try require(valueUse.capacity >= values.limit && people.capacity >= users.limit, "rows are missing")
    let people = people.reader
    for row in 0..<users.limit {
      let tail = layout.userTail(people.row(row))
      if tail.older != 0 {
        try require(
          older.holds(tail.older, Int(tail.olderCapacity)) && tail.olderCount <= tail.olderCapacity
            && tail.olderHand <= tail.olderCount, "what user row \(row) has seen")
        let handles = older.slab(tail.older).assumingMemoryBound(to: UInt32.self)
        for place in 0..<Int(tail.olderCount) {
          try require(Int(handles[place] & 0xFF_FFFF) < limit, "an item that user row \(row) has seen")
        }
      }
      guard tail.ring != 0 else { continue }
      try require(rings.holds(tail.ring, Int(tail.capacity)), "the history of user row \(row)")
      let handles = rings.slab(tail.ring).assumingMemoryBound(to: UInt32.self)
      for place in 0..<min(Int(tail.count), Int(tail.capacity)) {
        try require(Int(handles[place] & 0xFF_FFFF) < limit, "an item in the history of user row \(row)")
      }
    }
  }
}

/// Bytes as a section.
struct Blob: ByteCodable {
  var bytes: [UInt8]
  init(bytes: [UInt8]) { self.bytes = bytes }
  func encode(to writer: inout ByteWriter) { writer.write(bytes) }
  init(from reader: inout ByteReader) throws(ByteCodecError) { bytes = try reader.read() }
}
