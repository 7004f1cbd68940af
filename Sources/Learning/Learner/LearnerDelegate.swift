// Those whom the learner asks and tells, and what is shown of it.

package import EventLog

/// What the learner asks of those who keep versions.
package protocol LearnerDelegate: AnyObject, Sendable {
  /// The model of a version, for a rollback; called on the learner's thread.
  func model(of version: VersionID) throws -> (model: Model, offset: UInt64)
  /// All exclusions there ever were.
  var exclusions: [Exclusion] { get }
  /// Whether a later record says that the rollback whose record stands at `offset` is not carried out.
  func isAbandoned(_ offset: UInt64) -> Bool
  /// The newest version of the head, as a start takes it. Blocks.
  func newestHead() throws -> (model: Model, offset: UInt64)
  /// Has such a record written. Blocks.
  /// - Throws: when that cannot be; the rollback is due still.
  func abandon(_ offset: UInt64, because reason: String) throws
  /// A drift detector fired.
  func driftDetected(_ place: DriftPlaces.Place)
  /// The head went back, by the record at `offset`; `error`: why it could not, and is as it was.
  func rolledBack(at offset: UInt64, error: (any Error)?)
  /// So many events are in the head now; called after each batch.
  func learned(events: UInt64, offset: UInt64)
}

/// Sees each event before it is learned, on the learner's thread.
package protocol LearnerObserver: AnyObject, Sendable {
  /// There is something to see for it: asked for each event, so that the head need not be lent in vain.
  var isWatching: Bool { get }
  /// `head`: as it is before the event.
  func willLearn(_ record: LogRecord, head: Model)
}

/// What is shown of the learner.
package struct LearnerStatus: Sendable {
  package var learnedOffset: UInt64 = 0
  package var publishedOffset: UInt64 = 0
  package var eventsPerSecond = 0.0
  /// While there is something to learn; 0: nothing was learned yet.
  package var busyEventsPerSecond = 0.0
  package var isPaused = false
  /// Why learning stands still; nil: it does not.
  package var failure: String?
  /// A rollback's replay that is going on.
  package var isRebuilding = false
  /// Bytes of the head's tables, shared pages counted once; as of a second ago at most while learning.
  package var modelBytes = 0
  /// Of them, rows times their stride.
  package var rowBytes = 0
}
