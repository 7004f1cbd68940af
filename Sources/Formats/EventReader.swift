// One reader for every format.

/// Reads events from a file, in its order and in bounded memory.
///
/// After an error about a line the next call goes on with the next line, so that a caller may count and skip
/// (`canGoOn`).
package final class EventReader {
  private enum Source {
    case delimited(DelimitedReader)
    case json(JSONLinesReader)
    case vowpalWabbit(VowpalWabbitReader)
    case sparse(SparseVectorReader)
  }

  private let lines: LineReader
  private let source: Source

  /// - Parameters:
  ///   - path: `-` is standard input.
  ///   - format: nil: by the file's name.
  /// - Throws: if the file cannot be opened or its format cannot be told.
  package init(path: String, format: EventFormat? = nil, roles: ColumnRoles = ColumnRoles())
    throws(FormatError)
  {
    guard let format = format ?? EventFormat(path: path) else {
      throw FormatError(
        file: path, line: 0, problem: "does not tell its format by its name",
        allowed: "a format given by name: \(EventFormat.allNames)")
    }
    lines = try LineReader(path: path)
    switch format {
    case .tsv:
      let rows = DelimitedRows(lines, separator: "\t", hasQuotes: false)
      source = .delimited(DelimitedReader(rows, layout: .header, roles: roles))
    case .csv:
      let first = try MovieLensLayout.firstLine(lines)
      source = .delimited(MovieLensLayout.withHeader(first, lines, roles, defaultType: ""))
    case .movielens: source = .delimited(try MovieLensLayout.events(lines, roles: roles))
    case .json: source = .json(JSONLinesReader(lines, roles: roles))
    case .vw: source = .vowpalWabbit(VowpalWabbitReader(lines))
    case .libsvm: source = .sparse(SparseVectorReader(lines, hasFields: false))
    case .libffm: source = .sparse(SparseVectorReader(lines, hasFields: true))
    }
  }

  /// The next record; nil at the end of the file. Only JSON lines hold entities among events.
  package func next() throws(FormatError) -> RawRecord? {
    switch source {
    case .delimited(let reader): try reader.nextEvent().map { .event($0) }
    case .json(let reader): try reader.next()
    case .vowpalWabbit(let reader): try reader.next().map { .event($0) }
    case .sparse(let reader): try reader.next().map { .event($0) }
    }
  }

  /// Whether an error was about one line alone, so that the next call goes on after it.
  package var canGoOn: Bool {
    if lines.isBroken { return false }
    if case .delimited(let reader) = source { return reader.isReady }
    return true
  }

  /// An error about the record read last.
  package func error(column: String, value: String, _ problem: String, allowed: String) -> FormatError {
    lines.error(column: column, value: value, problem, allowed: allowed)
  }

  /// Line of the record read last, from 1.
  package var lineNumber: Int { lines.lineNumber }
  /// How far the file is read, for progress; the total is nil for a pipe.
  package var bytesRead: Int { lines.bytesRead }
  package var totalBytes: Int? { lines.totalBytes }
}

/// Reads what is known of users or items from a side file: separated values with a header, MovieLens' own layouts, or
/// JSON lines.
package final class EntityReader {
  private enum Source {
    case delimited(DelimitedReader)
    case json(JSONLinesReader)
  }

  private let lines: LineReader
  private let kind: RawEntityChange.Kind
  private let source: Source
  private var hasDatedTitles = false

  /// - Parameters:
  ///   - path: `-` is standard input.
  ///   - kind: whose attributes they are; JSON lines may say so themselves.
  package init(
    path: String, kind: RawEntityChange.Kind, roles: ColumnRoles = ColumnRoles()
  ) throws(FormatError) {
    self.kind = kind
    lines = try LineReader(path: path)
    if EventFormat(path: path) == .json {
      source = .json(JSONLinesReader(lines, roles: roles))
    } else {
      let layout = try MovieLensLayout.entities(kind, lines, roles: roles)
      source = .delimited(layout.reader)
      hasDatedTitles = layout.hasDatedTitles
    }
  }

  /// Nil at the end of the file. After an error about a line the next call goes on with the next line.
  package func next() throws(FormatError) -> RawEntityChange? {
    switch source {
    case .delimited(let reader):
      guard var entity = try reader.nextEntity(kind) else { return nil }
      MovieLensLayout.gatherGenres(&entity)
      if hasDatedTitles { MovieLensLayout.takeYear(of: &entity) }
      return entity
    case .json(let reader):
      switch try reader.next() {
      case .entity(let entity): return entity
      case .event:
        throw lines.error(
          "is an event", allowed: "objects with \"entity\": \"\(kind.rawValue)\", \"id\" and \"attributes\"")
      case nil: return nil
      }
    }
  }

  package var lineNumber: Int { lines.lineNumber }

  /// As `EventReader.canGoOn`.
  package var canGoOn: Bool {
    if lines.isBroken { return false }
    if case .delimited(let reader) = source { return reader.isReady }
    return true
  }
}
