// Events from files, in any of the formats, as the bytes that the log and the learner take.

import Formats
import Wire

/// Side files with what is known of users and items, and the files of events, one after the other.
struct EventFiles {
  let format: EventFormat?
  let users: String?
  let items: String?
  let paths: [String]
  /// Name of the event type for files that do not say.
  let defaultType: String
  /// Name of the event type of all records, whatever they say; nil: as they say.
  var type: String?

  /// - Throws: `FormatError` for a format that is not known.
  init(defaultType: String, format: String?, users: String?, items: String?, paths: [String]) throws {
    self.defaultType = defaultType
    if let format {
      guard let known = EventFormat(rawValue: format.lowercased()) else {
        throw FormatError(
          file: "--format", line: 0, problem: "is \"\(format)\"", allowed: EventFormat.allNames)
      }
      self.format = known
    } else {
      self.format = nil
    }
    self.users = users
    self.items = items
    self.paths = paths
  }

  /// Whether a file's name tells its format.
  static func knowsFormat(of path: String) -> Bool { EventFormat(path: path) != nil }
  static func format(of path: String) -> String? { EventFormat(path: path)?.rawValue }

  var totalBytes: Int { paths.reduce(0) { $0 + Self.size($1) } }

  private static func size(_ path: String) -> Int {
    (try? EventReader(path: path, format: .tsv))?.totalBytes ?? 0
  }

  /// Hands each event on, entities first.
  /// - Parameter body: the event's bytes, and how many bytes of the event files are read.
  func readAll(_ body: (UnsafeRawBufferPointer, Int) throws -> Void) throws {
    // One for all events.
    var bytes: [UInt8] = []
    func hand(_ event: EventBuilder, _ read: Int) throws {
      bytes.removeAll(keepingCapacity: true)
      event.encode(into: &bytes)
      try bytes.withUnsafeBytes { try body($0, read) }
    }
    var readers = try paths.map { try EventReader(path: $0, format: format) }
    var first: RawRecord?
    if !readers.isEmpty { first = try readers[0].next() }
    var startNanos: Int64 = 0
    if case .event(let event)? = first { startNanos = event.timeNanos }
    for (path, kind) in [(users, RawEntityChange.Kind.user), (items, .item)] {
      guard let path else { continue }
      let reader = try EntityReader(path: path, kind: kind)
      while var change = try reader.next() {
        if change.timeNanos == 0 { change.timeNanos = startNanos }
        try hand(Self.builder(change), 0)
      }
    }
    var done = 0
    while !readers.isEmpty {
      let reader = readers.removeFirst()
      var record = first
      first = nil
      if record == nil { record = try reader.next() }
      while let current = record {
        try hand(builder(current), done + reader.bytesRead)
        record = try reader.next()
      }
      done += reader.bytesRead
    }
  }

  private func builder(_ record: RawRecord) -> EventBuilder {
    switch record {
    case .event(let event): builder(event)
    case .entity(let change): Self.builder(change)
    }
  }

  private func builder(_ event: RawEvent) -> EventBuilder {
    EventBuilder(
      id: event.id, timeNanos: event.timeNanos, source: event.source,
      .interaction(
        type: type ?? (event.type.isEmpty ? defaultType : event.type), user: event.user, item: event.item,
        value: event.value, context: event.context, weight: event.weight))
  }

  private static func builder(_ change: RawEntityChange) -> EventBuilder {
    let action: EventView.Action =
      switch change.action {
      case .set: .set
      case .merge: .merge
      case .delete: .delete
      }
    return EventBuilder(
      timeNanos: change.timeNanos,
      .entity(
        change.kind == .user ? .user : .item, id: change.id, action,
        attributes: change.attributes))
  }
}
