// How the daemon runs: versions, bounds, socket, log, messages.

package struct VersionsSection: Section {
  package var every: Int64 = 3_600_000_000_000
  package var everyEvents = 0
  package var atStop = true
  package var keep = 24
  package var keepFor: Int64 = 7 * 86_400_000_000_000
  package var keepHourly = 24
  package var keepDaily = 7
  package var keepWeekly = 4
  package var fullEvery = 16
  package var inMemory = 4

  package init() {}

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value(
      "every", &every, .duration(0...31_536_000_000_000_000), .live,
      "Time between automatic versions; 0: none.")
    visitor.value(
      "every_events", &everyEvents, .integer(0...1_000_000_000_000), .live,
      "Events between automatic versions; 0: by time only.")
    visitor.value("at_stop", &atStop, .flag, .live, "A version is made when the daemon stops.")
    visitor.value(
      "keep", &keep, .integer(1...100_000), .live,
      "Newest versions of the head kept, and as many candidates and imports, besides labelled, pinned and serving ones."
    )
    visitor.value(
      "keep_for", &keepFor, .duration(0...315_360_000_000_000_000), .live, "Younger versions are kept too.")
    visitor.value(
      "keep_hourly", &keepHourly, .integer(0...100_000), .live,
      "The newest version of each of so many hours is kept too.")
    visitor.value(
      "keep_daily", &keepDaily, .integer(0...100_000), .live,
      "The newest version of each of so many days (of UTC) is kept too.")
    visitor.value(
      "keep_weekly", &keepWeekly, .integer(0...100_000), .live,
      "The newest version of each of so many weeks is kept too.")
    visitor.value(
      "full_every", &fullEvery, .integer(1...1000), .restart,
      "Longest chain of files with changed pages only.")
    visitor.value("in_memory", &inMemory, .integer(1...1000), .restart, "Versions kept loaded.")
  }
}

package struct LimitsSection: Section {
  package var eventIDWindow = 1_000_000
  package var idBytes = 256
  package var batchEvents = 10_000
  package var candidates = 10_000
  package var users = 10_000_000
  package var items = 10_000_000
  package var rows = 100_000_000
  package var memory: Int64 = 8 << 30
  package var admission = 1
  package var expiry: Int64 = 0
  package var quarantine = 1_000_000
  package var connections = 1_024

  package init() {}

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value(
      "event_id_window", &eventIDWindow, .integer(0...1 << 28), .restart,
      "Event ids remembered to answer repeats.")
    visitor.value(
      "id_bytes", &idBytes, .integer(16...256), .live, "Longest id of a user, an item or an event.")
    visitor.value(
      "batch_events", &batchEvents, .integer(1...100_000), .live,
      "Events of one batch, which has at most 4 MiB.")
    visitor.value("candidates", &candidates, .integer(1...100_000), .live, "Candidates of one Score.")
    visitor.value(
      "users", &users, .integer(1_000...2_000_000_000), .model,
      "Users with state; the least recently seen go.")
    visitor.value(
      "items", &items, .integer(1_000...2_000_000_000), .model,
      "Items with state; the least recently seen go.")
    visitor.value(
      "rows", &rows, .integer(1_000...4_000_000_000), .model,
      "Rows of one table of weights; the least recently seen go.")
    visitor.value(
      "memory", &memory, .size(64 << 20...1 << 44), .live, "Memory of the model at which ingest is refused.")
    visitor.value(
      "admission", &admission, .integer(1...255), .model, "Sightings after which a feature gets a weight.")
    visitor.value(
      "expiry", &expiry, .duration(0...315_360_000_000_000_000), .model,
      "Features not seen for so long lose their weight; 0: never.")
    visitor.value(
      "quarantine", &quarantine, .integer(1_000...100_000_000), .learning,
      "Events listed that hygiene set aside, a quarter of them of one user or source; the oldest go.")
    visitor.value("connections", &connections, .integer(1...100_000), .restart, "Open at a time.")
  }
}

package enum Permission: String, CaseIterable, Sendable {
  case predict, ingest, update
  case versionRead = "version.read"
  case versionWrite = "version.write"
}

/// What the members of a Unix group, or a user, may do.
package struct GrantSection: NamedSection {
  package static var canBeAddedByPath: Bool { true }
  package var name = ""
  package var user = ""
  package var group = ""
  package var may: [Permission] = [.predict, .ingest, .versionRead]

  package init() {}
  package static var shorthand: String? { "may" }

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value("user", &user, .text(atMost: 256), .live, "Name or number of a user.")
    visitor.value("group", &group, .text(atMost: 256), .live, "Name or number of a group.")
    visitor.value("may", &may, .list(of: .choice, count: 0...5, distinct: true), .live, "What they may do.")
  }
}

package struct ServerSection: Section {
  package var socket = "/run/cowbird/cowbird.sock"
  package var mode = 0o660
  package var group = ""
  package var permissions: [GrantSection] = []
  package var reactors = 0
  package var busyPoll: Int64 = 0
  package var outputBound: Int64 = 8 << 20
  package var drainTimeout: Int64 = 5_000_000_000
  package var stopTimeout: Int64 = 10_000_000_000
  package var metricsAddress = ""

  package init() {}
  package static var shorthand: String? { "socket" }

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value(
      "socket", &socket, .text(atMost: 107, orEmpty: false), .restart, "Path of the Unix domain socket.")
    visitor.value("mode", &mode, .fileMode, .restart, "Its mode.")
    visitor.value(
      "group", &group, .text(atMost: 256), .restart, "Its group, name or number; empty: the daemon's.")
    visitor.named(
      "permissions", &permissions,
      "Who may do what; none: the daemon's user and root all, others predict, ingest and version.read.")
    visitor.value(
      "reactors", &reactors, .integer(0...256), .restart, "Threads that serve; 0: one a core, at most 4.")
    visitor.value(
      "busy_poll", &busyPoll, .duration(0...1_000_000_000), .restart,
      "How long a reactor spins before it sleeps.")
    visitor.value(
      "output_bound", &outputBound, .size(64 << 10...1 << 30), .restart,
      "Unsent answers of a connection at which it is not read from.")
    visitor.value(
      "drain_timeout", &drainTimeout, .duration(10_000_000...3_600_000_000_000), .live,
      "How long a peer may take to read before it is closed.")
    visitor.value(
      "stop_timeout", &stopTimeout, .duration(100_000_000...3_600_000_000_000), .live, "Longest time to stop."
    )
    visitor.value(
      "metrics_address", &metricsAddress, .text(atMost: 256), .restart,
      "Loopback address and port, or path of a socket, that answers OpenMetrics over HTTP; empty: none.")
  }
}

package enum Durability: String, CaseIterable, Sendable {
  case durable, written, received
}

package struct LogSection: Section {
  package var segment: Int64 = 64 << 20
  package var retainFor: Int64 = 0
  package var retainSize: Int64 = 0
  package var durability = Durability.durable

  package init() {}

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value("segment", &segment, .size(1 << 20...1 << 32), .restart, "Size of a segment.")
    visitor.value(
      "retain_for", &retainFor, .duration(0...3_153_600_000_000_000_000), .live,
      "Older segments are deleted when no version needs them; 0: kept.")
    visitor.value(
      "retain_size", &retainSize, .size(0...1 << 50), .live,
      "Oldest segments beyond this size are deleted when no version needs them; 0: kept.")
    visitor.value(
      "durability", &durability, .choice, .live, "What an Append that does not say is answered after.")
  }
}

package enum MessageLevel: String, CaseIterable, Sendable {
  case trace, debug, info, notice, warning, error, critical
}

package enum MessageFormat: String, CaseIterable, Sendable {
  case text, json
}

package struct LoggingSection: Section {
  package var level = MessageLevel.info
  package var format = MessageFormat.text

  package init() {}
  package static var shorthand: String? { "level" }

  package mutating func visit(_ visitor: inout some FieldVisitor) {
    visitor.value("level", &level, .choice, .live, "Least severe level that is written.")
    visitor.value("format", &format, .choice, .live, "For people or for machines.")
  }
}

extension Kind where Value == Int {
  /// Permission bits in octal, such as "0660".
  static var fileMode: Kind {
    Kind(
      allowed: "permission bits in octal from 0000 to 0777, such as 0660",
      read: { node in
        guard var text = node.text else { return nil }
        if text.hasPrefix("0o") { text.removeFirst(2) }
        return Int(text, radix: 8).flatMap { (0...0o777).contains($0) ? $0 : nil }
      },
      write: { value in
        let digits = String(value, radix: 8)
        return "\"" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "\""
      })
  }
}
