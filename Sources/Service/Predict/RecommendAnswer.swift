// cowbird.v1.RecommendResponse, written field by field: sizes first, then bytes, straight into what will be sent.

internal import Learning
internal import Primitives
internal import Tables
internal import Versions
internal import Wire

struct RecommendAnswer {
  private let ranking: Ranking
  private let names: InternTable
  private let source: Source
  private let version: String

  // hot: versions and arms are short enough to stand in the String itself.
  /// - Parameter name: what the answer is called in events that follow from it.
  static func respond(
    _ to: Answering, _ ranking: Ranking, _ names: InternTable, _ source: Source, _ name: Digest
  ) {
    let answer = RecommendAnswer(
      ranking: ranking, names: names, source: source, version: source.revision.version?.description ?? "")
    to.respond(size: answer.size) { answer.write(to: $0, name) }
  }

  private var size: Int {
    var size = 0
    for item in ranking.items { size += ProtoSize.lengthDelimited(itemSize(item)) }
    return size + ProtoSize.lengthDelimited(modelSize) + ProtoSize.text(source.degraded)
      + ProtoSize.lengthDelimited(Digest.digits) + ProtoSize.text(ranking.chain.rawValue)
      + ProtoSize.varint(UInt64(ranking.considered))
  }

  private func itemSize(_ item: Ranking.Item) -> Int {
    names.withBytes(of: item.ordinal) { ProtoSize.lengthDelimited($0?.count ?? 0) }
      + ProtoSize.float(item.score) + ProtoSize.text(item.reason.rawValue) + ProtoSize.float(item.propensity)
  }

  private var modelSize: Int {
    ProtoSize.text(version) + ProtoSize.varint(source.revision.number)
      + ProtoSize.varint(source.revision.offset) + ProtoSize.text(source.arm)
  }

  private func write(to target: UnsafeMutableRawPointer, _ name: Digest) {
    var writer = ProtoWriter(target)
    for item in ranking.items {
      writer.length(1, itemSize(item))
      names.withBytes(of: item.ordinal) {
        writer.bytes(1, $0 ?? UnsafeRawBufferPointer(start: nil, count: 0))
      }
      writer.float(2, item.score)
      writer.text(3, item.reason.rawValue)
      writer.float(4, item.propensity)
    }
    writer.length(2, modelSize)
    writer.text(1, version)
    writer.varint(2, source.revision.number)
    writer.varint(3, source.revision.offset)
    writer.text(4, source.arm)
    writer.text(3, source.degraded)
    name.withDigits { writer.bytes(4, $0) }
    writer.text(5, ranking.chain.rawValue)
    writer.varint(6, UInt64(ranking.considered))
  }
}
