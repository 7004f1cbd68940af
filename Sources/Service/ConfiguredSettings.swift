// What was configured and is in force: what the head was told when it began, or came back from a rollback, and what the
// log's records say after that. Commands and rollbacks end on different threads: whatever is told first, what holds is
// what the log says.

package import Learning

package struct ConfiguredSettings: Sendable {
  package typealias Change = (offset: UInt64, settings: [Setting])

  private var head: [Setting]
  /// Records below are in `head`, or the head went back behind them.
  private var first: UInt64
  /// In the log's order.
  private var changes: [Change]

  package init(head: [Setting], from first: UInt64, changes: [Change]) {
    (self.head, self.first, self.changes) = (head, first, changes)
  }

  /// In the order in which they came: of each path the last one holds.
  package var all: [Setting] { head + changes.flatMap(\.settings) }

  /// The record at `offset` changes settings.
  package mutating func note(_ settings: [Setting], at offset: UInt64) {
    guard offset >= first, !changes.contains(where: { $0.offset == offset }) else { return }
    let place = changes.firstIndex { $0.offset > offset } ?? changes.endIndex
    changes.insert((offset, settings), at: place)
  }

  /// The head is another, by a rollback right before `first`.
  /// - Parameter changes: what the log was seen to say from there on.
  package mutating func restore(head: [Setting], from first: UInt64, changes: [Change]) {
    // A later rollback was told of before.
    guard first > self.first else { return }
    let known = self.changes
    self = ConfiguredSettings(head: head, from: first, changes: changes)
    for change in known { note(change.settings, at: change.offset) }
  }
}
