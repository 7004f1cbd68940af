// One version on disk: a header, then the model's pages, whole or as changed since the parent's.
//
//   versions/v17.pages   ┌ header: id, parent, full or diff, digest ┬ sections of pages, each checksummed ┐
//
// Written aside, synced, renamed: what has the name is whole.

internal import Features
package import Learning
package import Primitives
internal import Tables

/// What a file says of itself.
package struct VersionHeader: Equatable, Sendable, ByteCodable {
  static let format: UInt16 = 1

  package var id: VersionID
  /// The version upon whose pages these are laid; nil: all pages are here.
  package var base: VersionID?
  package var digest: Digest

  package init(id: VersionID, base: VersionID?, digest: Digest) {
    self.id = id
    self.base = base
    self.digest = digest
  }

  package func encode(to writer: inout ByteWriter) {
    writer.write(Self.format)
    writer.write(id)
    writer.writeOptional(base) { $0.write($1) }
    writer.write(digest)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let format = try reader.read(UInt16.self)
    guard format <= Self.format else {
      throw .outOfBounds(what: "version format (start the newer build)", value: UInt64(format), at: 0)
    }
    id = try reader.read()
    base = try reader.readOptional { reader throws(ByteCodecError) in try reader.read() }
    digest = try reader.read()
  }
}
