// Events and entities from separated fields.

/// Where the columns of a file come from.
enum ColumnLayout: Equatable {
  /// The first row names them.
  case header
  /// The file has no header; these are its columns.
  case fixed([String])
}

final class DelimitedReader {
  private let rows: DelimitedRows
  private let roles: ColumnRoles
  private var columns: [Column] = []
  private var isClassified = false
  /// The header was read and makes sense: what is wrong with a line from here on is wrong with that line alone.
  private(set) var isReady = false
  private let layout: ColumnLayout
  private let defaultType: String

  init(_ rows: DelimitedRows, layout: ColumnLayout, roles: ColumnRoles, defaultType: String = "") {
    self.rows = rows
    self.roles = roles
    self.layout = layout
    self.defaultType = defaultType
  }

  var lines: LineReader { rows.lines }

  /// Nil at the end of the file.
  func nextEvent() throws(FormatError) -> RawEvent? {
    if columns.isEmpty {
      guard try readHeader() else { return nil }
      try checkRoles()
      isClassified = columns.contains { $0.role == .label }
      isReady = true
    }
    guard try nextRow() else { return nil }
    var event = RawEvent()
    event.isClassified = isClassified
    event.type = defaultType
    event.context.reserveCapacity(columns.count)
    for (column, text) in zip(columns, rows.fields) { try lines.put(text, column, into: &event) }
    return event
  }

  /// Nil at the end of the file. The id is in the column that plays the part of `kind`, else in one called `id`, else
  /// in the first.
  func nextEntity(_ kind: RawEntityChange.Kind) throws(FormatError) -> RawEntityChange? {
    if columns.isEmpty {
      guard try readHeader() else { return nil }
      isReady = true
    }
    guard try nextRow() else { return nil }
    let role = kind == .user ? ColumnRoles.Role.user : .item
    let place =
      columns.firstIndex { $0.role == role } ?? columns.firstIndex { $0.name.lowercased() == "id" } ?? 0
    let id = rows.fields[place]
    try lines.checkLength(id, column: columns[place].name, limit: 256)
    guard !id.isEmpty else {
      throw lines.error(column: columns[place].name, "is empty", allowed: "the id of a \(kind.rawValue)")
    }
    var entity = RawEntityChange(kind: kind, id: id)
    for (index, text) in rows.fields.enumerated() where index != place && columns[index].role != .ignored {
      if let attribute = try lines.attribute(text, columns[index]) { entity.attributes.append(attribute) }
    }
    return entity
  }

  private func readHeader() throws(FormatError) -> Bool {
    switch layout {
    case .fixed(let names):
      columns = names.map { Column($0, roles: roles) }
      return true
    case .header:
      guard try rows.advance() else { return false }
      var seen: Set<String> = []
      for (index, field) in rows.fields.enumerated() {
        let name = String(field.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        guard !name.isEmpty, name.utf8.count <= 64, seen.insert(name).inserted else {
          throw lines.error(
            column: "\(index + 1)", value: name, name.isEmpty ? "has no name" : "is no name for a column",
            allowed: "a header of distinct names of at most 64 bytes")
        }
        columns.append(Column(name, roles: roles))
      }
      return true
    }
  }

  private func checkRoles() throws(FormatError) {
    let names = columns.map(\.name).joined(separator: ", ")
    for name in roles.roles.keys.sorted() where !columns.contains(where: { $0.name == name }) {
      throw lines.error(column: name, "is not in the header", allowed: "one of \(names)")
    }
    for role in ColumnRoles.Role.allCases where role != .ignored {
      // A class is a value, too: an event has one of them.
      let playing = columns.filter { $0.role == role || (role == .value && $0.role == .label) }
      guard playing.count > 1 else { continue }
      throw lines.error(
        column: playing[1].name, "and \"\(playing[0].name)\" both look like the \(role.rawValue)",
        allowed: "one of them; say which")
    }
    guard columns.contains(where: { [.user, .item, .value, .label].contains($0.role) }) else {
      throw lines.error(
        value: names, "names no user, item, value or label",
        allowed: "columns such as user, item, rating, timestamp, or roles given by name")
    }
  }

  private func nextRow() throws(FormatError) -> Bool {
    guard try rows.advance() else { return false }
    guard rows.fields.count == columns.count else {
      throw lines.error(
        "has \(rows.fields.count) columns",
        allowed: "\(columns.count) columns, as \(layout == .header ? "in the header" : "in this format")")
    }
    return true
  }
}
