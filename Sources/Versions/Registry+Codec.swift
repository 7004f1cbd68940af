// The bytes of a registry: the checkpoint that stands beside the versions, so that the log's old segments,
// and the control records in them, may be deleted.

internal import Learning
package import Primitives

extension Registry: ByteCodable {
  private static let format: UInt8 = 3

  package func encoded() -> [UInt8] {
    var writer = ByteWriter()
    encode(to: &writer)
    return writer.bytes
  }

  package func encode(to writer: inout ByteWriter) {
    writer.write(Self.format)
    writer.write(entries) { writer, entry in
      writer.write(entry.record)
      writer.write(entry.author)
      writer.write(entry.reason)
      writer.write(entry.isPinned)
    }
    writer.write(labels) { writer, label in
      writer.write(label.name)
      writer.write(label.id)
    }
    writer.write(serving)
    writer.writeOptional(previous) { $0.write($1) }
    writer.write(arms) { $0.write($1) }
    writer.write(salt)
    writer.writeOptional(shadow) { $0.write($1) }
    writer.write(exclusions) { $0.write($1) }
    writer.write(returns) { writer, rollback in
      writer.write(rollback.offset)
      writer.write(rollback.to)
    }
    writer.writeOptional(pausedAt) { $0.write($1) }
    writer.write(nextNumber)
    writer.write(endOffset)
    writer.write(abandoned) { $0.write($1) }
    writer.writeOptional(beforeReturn) { $0.write($1) }
    writer.write(settings) { $0.write($1) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let format = try reader.read(UInt8.self)
    guard (1...Self.format).contains(format) else {
      throw .outOfBounds(what: "registry format", value: UInt64(format), at: 0)
    }
    let limit = 10_000_000
    entries = try reader.readArray(limit: limit) { reader throws(ByteCodecError) in
      let record = try reader.read(VersionRecord.self)
      let author = try reader.read(Author.self)
      let reason = try reader.read(String.self)
      return Entry(record: record, author: author, reason: reason, isPinned: try reader.read())
    }
    labels = try reader.readArray(limit: limit) { reader throws(ByteCodecError) in
      let name = try reader.read(String.self)
      return (name, try reader.read(VersionID.self))
    }
    serving = try reader.read()
    previous = try reader.readOptional { reader throws(ByteCodecError) in try reader.read() }
    arms = try reader.readArray(limit: 64) { reader throws(ByteCodecError) in try reader.read() }
    salt = try reader.read()
    shadow = try reader.readOptional { reader throws(ByteCodecError) in try reader.read() }
    exclusions = try reader.readArray(limit: limit) { reader throws(ByteCodecError) in try reader.read() }
    returns = try reader.readArray(limit: limit) { reader throws(ByteCodecError) in
      let offset = try reader.read(UInt64.self)
      return Return(offset: offset, to: try reader.read())
    }
    pausedAt = try reader.readOptional { reader throws(ByteCodecError) in try reader.read() }
    nextNumber = try reader.read()
    endOffset = try reader.read()
    guard format > 1 else { return }
    abandoned = try reader.readArray(limit: limit) { reader throws(ByteCodecError) in try reader.read() }
    beforeReturn = try reader.readOptional { reader throws(ByteCodecError) in try reader.read() }
    guard format > 2 else { return }
    settings = try reader.readArray(limit: limit) { reader throws(ByteCodecError) in try reader.read() }
  }
}

extension Registry.BeforeReturn: ByteCodable {
  func encode(to writer: inout ByteWriter) {
    writer.writeOptional(served) { writer, served in
      writer.write(served.serving)
      writer.writeOptional(served.previous) { $0.write($1) }
      writer.write(served.arms) { $0.write($1) }
    }
    writer.writeOptional(pausedAt) { $0.write($1) }
  }

  init(from reader: inout ByteReader) throws(ByteCodecError) {
    served = try reader.readOptional { reader throws(ByteCodecError) in
      let serving = try reader.read(ServingTarget.self)
      let previous = try reader.readOptional { reader throws(ByteCodecError) in
        try reader.read(ServingTarget.self)
      }
      let arms = try reader.readArray(limit: 64) { reader throws(ByteCodecError) in
        try reader.read(SplitArm.self)
      }
      return Served(serving: serving, previous: previous, arms: arms)
    }
    pausedAt = try reader.readOptional { reader throws(ByteCodecError) in try reader.read() }
  }
}
