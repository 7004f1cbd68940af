// The layouts in which MovieLens has been distributed.

internal import Wire

enum MovieLensLayout {
  static let genres = [
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama",
    "Fantasy",
    "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
  ]

  /// `u.data` (tabs, no header), `ratings.dat` (`::`), or separated values with a header.
  static func events(_ lines: LineReader, roles: ColumnRoles) throws(FormatError) -> DelimitedReader {
    let first = try firstLine(lines)
    let columns = ColumnLayout.fixed(["user", "item", "rating", "timestamp"])
    if first.contains("::") {
      return DelimitedReader(
        DelimitedRows(lines, separator: "::", hasQuotes: false), layout: columns, roles: roles,
        defaultType: "rating")
    }
    if first.contains("\t"), first.split(separator: "\t").allSatisfy({ FieldParsing.number($0) != nil }) {
      return DelimitedReader(
        DelimitedRows(lines, separator: "\t", hasQuotes: false), layout: columns, roles: roles,
        defaultType: "rating")
    }
    return withHeader(first, lines, roles, defaultType: "rating")
  }

  /// `u.user`, `u.item` (`|`), `users.dat`, `movies.dat` (`::`), or separated values with a header.
  /// - Returns: whether its titles end with the year, as those of all three films' files do.
  static func entities(
    _ kind: RawEntityChange.Kind, _ lines: LineReader, roles: ColumnRoles
  ) throws(FormatError) -> (reader: DelimitedReader, hasDatedTitles: Bool) {
    let first = try firstLine(lines)
    var roles = roles
    if first.contains("::") {
      let columns =
        kind == .user ? ["user", "gender", "age", "occupation", "zip"] : ["item", "title", "genres"]
      if kind == .user {
        // Codes, not quantities.
        for name in ["occupation", "zip"] where roles.kinds[name] == nil { roles.kinds[name] = .text }
      }
      let reader = DelimitedReader(
        DelimitedRows(lines, separator: "::", hasQuotes: false, fallsBackToLatin1: true),
        layout: .fixed(columns), roles: roles)
      return (reader, kind == .item)
    }
    let bars = first.split(separator: "|", omittingEmptySubsequences: false).count
    if kind == .user, bars == 5 {
      if roles.kinds["zip"] == nil { roles.kinds["zip"] = .text }
      let reader = DelimitedReader(
        DelimitedRows(lines, separator: "|", hasQuotes: false, fallsBackToLatin1: true),
        layout: .fixed(["user", "age", "gender", "occupation", "zip"]), roles: roles)
      return (reader, false)
    }
    if kind == .item, bars == 24 {
      let columns = ["item", "title", "released", "video_released", "url"] + genres.map { "genre \($0)" }
      for name in ["url", "video_released"] { roles.roles[name] = .ignored }
      let reader = DelimitedReader(
        DelimitedRows(lines, separator: "|", hasQuotes: false, fallsBackToLatin1: true),
        layout: .fixed(columns), roles: roles)
      return (reader, true)
    }
    return (withHeader(first, lines, roles, defaultType: ""), first == "movieId,title,genres")
  }

  /// Makes `year` of "Toy Story (1995)", or else of the date of release, "01-Jan-1995", which is of no other use; the
  /// title is what is before.
  static func takeYear(of entity: inout RawEntityChange) {
    var year: Double?
    if let place = entity.attributes.firstIndex(where: { $0.name == "released" }) {
      if case .text(let date) = entity.attributes.remove(at: place).value { year = Double(date.suffix(4)) }
    }
    if let place = entity.attributes.firstIndex(where: { $0.name == "title" }),
      case .text(let title) = entity.attributes[place].value,
      let match = title.wholeMatch(of: #/(.*?) *\((\d{4})\) */#)
    {
      year = Double(match.2)
      if !match.1.isEmpty { entity.attributes[place].value = .text(String(match.1)) }
    }
    if let year, !entity.attributes.contains(where: { $0.name == "year" }) {
      entity.attributes.append(NamedAttribute("year", .number(year)))
    }
  }

  /// Makes one attribute `genres` of `u.item`'s 19 flags.
  static func gatherGenres(_ entity: inout RawEntityChange) {
    var names: [String] = []
    entity.attributes.removeAll { attribute in
      guard attribute.name.hasPrefix("genre ") else { return false }
      if attribute.value == .number(1) { names.append(String(attribute.name.dropFirst(6))) }
      return true
    }
    if !names.isEmpty { entity.attributes.append(NamedAttribute("genres", .texts(names))) }
  }

  /// Separated by what the header has most of: tabs, `;` or commas. Quotes count only where tabs do not separate.
  static func withHeader(
    _ header: String, _ lines: LineReader, _ roles: ColumnRoles, defaultType: String
  ) -> DelimitedReader {
    var separator = ","
    for candidate in ["\t", ";"]
    where header.split(separator: candidate).count > header.split(separator: separator).count {
      separator = candidate
    }
    return DelimitedReader(
      DelimitedRows(lines, separator: separator, hasQuotes: separator != "\t"), layout: .header, roles: roles,
      defaultType: defaultType)
  }

  /// The first line that is not blank, which will be read again.
  static func firstLine(_ lines: LineReader) throws(FormatError) -> String {
    while try lines.advance() {
      guard !lines.range.isEmpty else { continue }
      let text = try lines.string(lines.bytes, orLatin1: true)
      lines.pushBack()
      return text
    }
    return ""
  }
}
