// Events from files, in any of the formats, as the bytes that the log and the learner take.

import ArgumentParser
import Configuration
import Formats
import Wire

/// Side files with what is known of users and items, and the files of events, one after the other.
struct EventFiles {
  let format: EventFormat?
  let users: String?
  let items: String?
  let paths: [String]
  /// Event types of records that do not say.
  let types: RecordTypes
  /// Name of the event type of all records, whatever they say; nil: as they say.
  var type: String?
  /// What of the files is no event.
  let leftOut: LeftOut

  /// - Throws: `FormatError` for a format that is not known.
  init(
    types: RecordTypes, format: String?, users: String?, items: String?, paths: [String],
    leavingOut: LeftOut = LeftOut()
  ) throws {
    self.types = types
    leftOut = leavingOut
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

  /// Refuses a format that there is not, as wrong usage.
  static func checkFormat(_ name: String?) throws {
    guard let name, EventFormat(rawValue: name.lowercased()) == nil else { return }
    throw ValidationError("--format: \"\(name)\"; there are \(EventFormat.allNames)")
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
    func next(_ reader: EventReader) throws -> RawRecord? {
      try leftOut.skipping(while: { reader.canGoOn }, { try reader.next() })
    }
    if !readers.isEmpty { first = try next(readers[0]) }
    var startNanos: Int64 = 0
    if case .event(let event)? = first { startNanos = event.timeNanos }
    for (path, kind) in [(users, RawEntityChange.Kind.user), (items, .item)] {
      guard let path else { continue }
      let reader = try EntityReader(path: path, kind: kind)
      while var change = try leftOut.skipping(while: { reader.canGoOn }, { try reader.next() }) {
        if change.timeNanos == 0 { change.timeNanos = startNanos }
        try hand(Self.builder(change), 0)
      }
    }
    var done = 0
    while !readers.isEmpty {
      let reader = readers.removeFirst()
      var record = first
      first = nil
      if record == nil { record = try next(reader) }
      while let current = record {
        do {
          if let event = try builder(current, reader) { try hand(event, done + reader.bytesRead) }
        } catch let error as FormatError {
          try leftOut.take(error)
        }
        record = try next(reader)
      }
      done += reader.bytesRead
    }
  }

  /// Nil: it says nothing that can be learned.
  private func builder(_ record: RawRecord, _ reader: EventReader) throws -> EventBuilder? {
    switch record {
    case .event(let event):
      let named = type ?? event.type
      guard event.isClassified else {
        return Self.builder(event, type: named.isEmpty ? types.ofValues : named, value: event.value)
      }
      if let label = event.value {
        do throws(RecordTypes.Problem) {
          let record = try types.classified(label, type: named)
          return Self.builder(event, type: record.type, value: record.value)
        } catch {
          throw reader.error(column: "label", value: "\(label)", error.problem, allowed: error.allowed)
        }
      }
      let type = named.isEmpty ? types.ofClasses : named
      guard !types.positives.contains(type), !types.negatives.contains(type) else {
        leftOut.takeUnlabelled()
        return nil
      }
      return Self.builder(event, type: type, value: nil)
    case .entity(let change): return Self.builder(change)
    }
  }

  private static func builder(_ event: RawEvent, type: String, value: Double?) -> EventBuilder {
    EventBuilder(
      id: event.id, timeNanos: event.timeNanos, source: event.source,
      .interaction(
        type: type, user: event.user, item: event.item, value: value, context: event.context,
        weight: event.weight))
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
