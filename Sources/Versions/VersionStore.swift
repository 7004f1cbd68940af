// The directory of versions: writing, loading along the chain of parents, and clearing away what nothing needs.

package import Configuration
package import EventLog
package import Features
internal import Glibc
package import Learning
package import Primitives
internal import Tables

package final class VersionStore: Sendable {
  package let directory: String
  private let plan: FeaturePlan
  private let fileSystem: any FileSystem

  package init(directory: String, plan: FeaturePlan, files: any FileSystem = PosixFileSystem()) throws {
    self.directory = directory
    self.plan = plan
    fileSystem = files
    try translated { () throws(FileError) in
      try files.makeDirectory(directory)
      // What a crash left half-made.
      for name in try files.list(directory) where name.hasSuffix(".new") {
        try? files.remove(directory + "/" + name)
      }
    }
  }

  func path(_ id: VersionID) -> String { "\(directory)/\(id).pages" }

  package func exists(_ id: VersionID) -> Bool { access(path(id), R_OK) == 0 }

  /// The versions that have files, in the order of their numbers.
  package func files() throws -> [VersionID] {
    let names = try translated { () throws(FileError) in try fileSystem.list(directory) }
    return names.filter { $0.hasSuffix(".pages") }.compactMap { VersionID($0.dropLast(6)) }.sorted()
  }

  package func fileBytes(_ id: VersionID) -> UInt64 {
    var status = stat()
    return stat(path(id), &status) == 0 ? UInt64(status.st_size) : 0
  }

  /// Writes a version: the pages that changed since `parent`, or all of them.
  /// - Returns: bytes of the file.
  /// - Throws: `VersionFileError`; nothing has the version's name then.
  package func write(
    _ model: Model, id: VersionID, digest: Digest, parent: (id: VersionID, model: Model)? = nil
  ) throws -> UInt64 {
    var file = try AsideFile(path(id), on: fileSystem)
    try Self.write(
      model, VersionHeader(id: id, base: parent?.id, digest: digest), since: parent?.model
    ) { try file.write($0) }
    try file.finish()
    return file.bytes
  }

  private static func write(
    _ model: Model, _ header: VersionHeader, since parent: Model?,
    _ output: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try withoutActuallyEscaping(output) { output in
      var sink = PageStreamWriter(output)
      try sink.write(name: "version.header", header)
      try model.write(to: &sink, since: parent)
    }
  }

  /// The header of a version's file.
  package func header(_ id: VersionID) throws -> VersionHeader {
    let file = try PieceReader(path(id), on: fileSystem, pieceBytes: PieceReader.headerBytes)
    var source = PageStreamReader { try file.read(into: $0) }
    return try header(id, &source)
  }

  private func header(_ id: VersionID, _ source: inout PageStreamReader) throws -> VersionHeader {
    do {
      return try source.read(name: "version.header")
    } catch let error as VersionFileError {
      throw error
    } catch {
      throw VersionFileError("\(path(id)) is damaged: \(error)", isDamage: true)
    }
  }

  /// The versions whose files are needed to load `id`, that one first.
  /// - Parameter digest: of the model that it has to be; nil: that is not asked.
  package func chain(of id: VersionID, holding digest: Digest? = nil) throws -> [VersionID] {
    var chain: [VersionID] = []
    var link: VersionID? = id
    while let next = link {
      guard !chain.contains(next), chain.count < 10_000 else {
        throw VersionFileError("\(path(id)): its chain of parents has a loop")
      }
      let header = try header(next)
      guard header.id == next else {
        throw VersionFileError("\(path(next)) is the file of \(header.id)")
      }
      if next == id, let digest, header.digest != digest {
        throw VersionFileError(
          "\(path(id)) holds another model (\(header.digest)) than the log tells of (\(digest))")
      }
      chain.append(next)
      link = header.base
    }
    return chain
  }

  /// Loads a version, with the files of its chain as one, and checks it against the digest that the log tells of.
  /// - Parameter relative: a model in memory that differs little, or without its optimizers' state: pages that are the
  ///   same are shared with it.
  /// - Throws: what is wrong, and with which file.
  package func load(_ record: VersionRecord, beside relative: Model? = nil) throws -> Model {
    let id = record.id
    let chain = try chain(of: id, holding: record.digest)
    var streams: [PageStreamReader] = []
    for link in chain {
      let file = try PieceReader(path(link), on: fileSystem)
      var stream = PageStreamReader { try file.read(into: $0) }
      _ = try header(link, &stream)
      streams.append(stream)
    }
    let model: Model
    do {
      var relatives = PageRelatives()
      try relative?.write(to: &relatives)
      var layers = PageLayers(streams, beside: relatives)
      model = try Model(plan, from: &layers)
    } catch {
      let place = (error as? PageLayerError)?.layer ?? 0
      throw VersionFileError("\(path(chain[place])) is damaged or does not fit: \(error)")
    }
    guard model.digest == record.digest else {
      throw VersionFileError("\(path(id)): the loaded model has another digest than was written")
    }
    return model
  }

  /// Deletes the files that no version of `kept` needs.
  /// - Throws: `VersionFileError` when one of them cannot be deleted; the others are.
  package func clear(keeping kept: [VersionID]) throws {
    let files = try files()
    var needed: Set<VersionID> = []
    for id in kept {
      var link: VersionID? = id
      while let next = link, needed.insert(next).inserted {
        do {
          link = try header(next).base
        } catch let error as VersionFileError {
          // A damaged file needs no other any more. One that cannot be read now may lie upon any that is older.
          if !error.isDamage { needed.formUnion(files.prefix { $0 < next }) }
          link = nil
        }
      }
    }
    let unneeded = files.filter { !needed.contains($0) }.map { path($0) }
    guard !unneeded.isEmpty else { return }
    let failures = unneeded.compactMap { path in
      do throws(FileError) { try fileSystem.remove(path) } catch { return VersionFileError(error) }
      return nil
    }
    try translated { () throws(FileError) in try fileSystem.syncDirectory(directory) }
    if let failure = failures.first { throw failure }
  }
}

// MARK: One file to carry

extension VersionStore {
  /// The bytes of a version as one file with all pages, in pieces.
  package func export(_ model: Model, id: VersionID, digest: Digest, _ output: ([UInt8]) throws -> Void)
    throws
  {
    var piece: [UInt8] = []
    try Self.write(model, VersionHeader(id: id, base: nil, digest: digest), since: nil) { bytes in
      piece.append(contentsOf: bytes)
      guard piece.count >= 1 << 19 else { return }
      try output(piece)
      piece.removeAll(keepingCapacity: true)
    }
    if !piece.isEmpty { try output(piece) }
  }

  /// The bytes of a version's own file as they lie on the disk, in pieces: what `export` gives, where the file holds
  /// all pages.
  package func copy(_ id: VersionID, _ output: ([UInt8]) throws -> Void) throws {
    let file = try PieceReader(path(id), on: fileSystem)
    var piece = [UInt8](repeating: 0, count: 1 << 19)
    while true {
      let count = try piece.withUnsafeMutableBytes { try file.read(into: $0) }
      if count == 0 { return }
      try output(Array(piece[..<count]))
    }
  }

  /// Reads an exported file, and checks it against the digest that it names. A model larger than `limits.memory` is
  /// refused.
  /// - Parameter input: fills a buffer and returns how many bytes it gave; 0 at the end.
  package func readExport(
    _ input: (UnsafeMutableRawBufferPointer) throws -> Int
  ) throws -> (model: Model, digest: Digest) {
    let (model, digest) = try withoutActuallyEscaping(input) { input in
      // What the file announces is not in it where it is zeroes: a small file may ask for any memory.
      let limit = Int(clamping: plan.configuration.limits.memory)
      var source = PageStreamReader(maximumBytes: limit, input)
      let header = try source.read(name: "version.header", VersionHeader.self)
      guard header.base == nil else {
        throw VersionFileError(
          "the file holds changed pages only; export the version instead of copying its file")
      }
      return (try Model(plan, from: &source), header.digest)
    }
    guard model.digest == digest else {
      throw VersionFileError("the model in the file has another digest than the file says")
    }
    return (model, digest)
  }
}

extension VersionStore {
  /// The configuration that a version was learned with; nil: its file cannot be read.
  package func configuration(of id: VersionID) -> Configuration? {
    guard let file = try? PieceReader(path(id), on: fileSystem) else { return nil }
    var source = PageStreamReader { try file.read(into: $0) }
    guard (try? source.read(name: "version.header", VersionHeader.self)) != nil,
      let header = try? source.read(name: "model.header", ModelHeader.self)
    else { return nil }
    return try? Configuration(yaml: header.configuration)
  }
}
