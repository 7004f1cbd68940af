// The join as sections, and its digest.

package import Primitives
package import Tables

extension ImpressionJoin {
  private var scalars: [UInt8] {
    var writer = ByteWriter()
    writer.write(counters)
    for place in [waiting.first, waiting.last, expired.first, expired.last] { writer.write(place) }
    writer.write(now)
    return writer.bytes
  }

  package var digest: Digest {
    var digest = Digest(of: scalars)
    digest.append(index.digest)
    digest.append(rows.digest)
    digest.append(features.digest)
    return digest
  }

  /// Bytes of pages, without what snapshots keep of earlier ones.
  package var bytes: Int { index.bytes + rows.bytes + features.bytes }

  package func write<Sink: PageSink>(
    to sink: inout Sink, name: String, since parent: ImpressionJoin? = nil
  ) throws {
    try sink.write(name: name, Blob(bytes: scalars))
    try index.write(to: &sink, name: name + ".index", since: parent?.index)
    try rows.write(to: &sink, name: name + ".rows", since: parent?.rows)
    try features.write(to: &sink, name: name + ".features", since: parent?.features)
  }

  /// Reads what was written whole by a join of the same bounds (upon an empty one), or `since` one equal to this.
  /// When it throws, the join is as it was.
  package mutating func apply<Source: PageSource>(from source: inout Source, name: String) throws {
    var next = self
    try next.lay(from: &source, name: name)
    self = next
  }

  private mutating func lay<Source: PageSource>(from source: inout Source, name: String) throws {
    var reader = ByteReader(try source.read(name: name, Blob.self).bytes)
    counters = try reader.read()
    waiting = ImpressionQueue(first: try reader.read(), last: try reader.read())
    expired = ImpressionQueue(first: try reader.read(), last: try reader.read())
    now = try reader.read()
    try index.apply(from: &source, name: name + ".index")
    try rows.apply(from: &source, name: name + ".rows")
    try features.apply(from: &source, name: name + ".features")
    var count = 0
    var sharers: [UInt32: UInt32] = [:]
    for queue in [waiting, expired] {
      var (place, last) = (queue.first, UInt32(0))
      while place != 0 {
        let row = Int(place) - 1
        guard index.isLive(row), row < rows.capacity, count < index.count else {
          throw PageStreamError.malformed(section: name, what: "a queue of impressions")
        }
        let entry = entry(row)
        let hasShared = entry.shared != 0
        guard max(entry.ownLength, entry.sharedLength) <= Self.longestFeatures,
          features.holds(entry.own, Int(entry.ownLength)), hasShared == (entry.sharedLength > 0),
          !hasShared || features.holds(entry.shared, Int(entry.sharedLength) + 4)
        else {
          throw PageStreamError.malformed(section: name, what: "the features of row \(row)")
        }
        if hasShared { sharers[entry.shared, default: 0] += 1 }
        (last, place) = (place, entry.next)
        count += 1
      }
      guard last == queue.last else {
        throw PageStreamError.malformed(section: name, what: "a queue's end")
      }
    }
    guard count == index.count, reader.isAtEnd else {
      throw PageStreamError.malformed(section: name, what: "impressions in no queue")
    }
    for (shared, rows) in sharers where features.firstWord(of: shared) != rows {
      throw PageStreamError.malformed(section: name, what: "features that are shared by others")
    }
  }
}
