// One segment of an open log. What changes is guarded by the log's `stateLock`.

final class Segment: @unchecked Sendable {
  let firstOffset: UInt64
  let path: String
  let header: SegmentHeader
  /// Open for writing while the segment is the active one.
  var file: (any LogFile)?
  /// Of a sealed segment only the head, until somebody looks for a place in it.
  var index: SparseIndex
  var hasWholeIndex: Bool
  weak var mapping: MappedBytes?

  init(
    path: String, header: SegmentHeader, file: (any LogFile)?, index: SparseIndex, hasWholeIndex: Bool
  ) {
    firstOffset = header.firstOffset
    self.path = path
    self.header = header
    self.file = file
    self.index = index
    self.hasWholeIndex = hasWholeIndex
  }

  var indexPath: String { String(path.dropLast(SegmentHeader.suffix.count)) + SparseIndex.suffix }

  /// Makes the file of a segment whole under another name, with `records` in it, synced. `publish` gives it its
  /// name.
  static func prepare(
    in directory: String, _ header: SegmentHeader, records: [UnsafeRawBufferPointer] = [],
    fileSystem: any FileSystem
  ) throws(FileError) -> Segment {
    let path = directory + "/" + SegmentHeader.name(header.firstOffset)
    let aside = path + asideSuffix
    let file = try fileSystem.open(aside, .create)
    do throws(FileError) {
      try file.allocate(header.capacity)
      try file.writeAll(header.encoded(), at: 0)
      try file.writeAll(records, at: SegmentHeader.bytes)
      try file.sync()
    } catch {
      // The space goes back at once; a start removes what is left of it otherwise.
      try? fileSystem.remove(aside)
      throw error
    }
    return Segment(
      path: path, header: header, file: file, index: SparseIndex(firstOffset: header.firstOffset),
      hasWholeIndex: true)
  }

  /// Puts a prepared segment in its place. If this throws, the file may stand there all the same.
  func publish(in directory: String, fileSystem: any FileSystem) throws(FileError) {
    try fileSystem.rename(path + Self.asideSuffix, to: path)
    try fileSystem.syncDirectory(directory)
  }

  static let asideSuffix = ".new"
}
