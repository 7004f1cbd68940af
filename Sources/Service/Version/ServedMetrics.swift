// How what is served does: each event is scored by the version that its user is answered from, before anybody
// learns it. The head's own prequential metrics are in the model; these are the arms', the shadow's and the kept
// versions'. They are no function of the log (which version answered when an event came is not in it), so they are kept
// in a file of their own, written with each version and at the stop: a kill loses what was scored since.

package import EventLog
internal import Features
package import Learning
internal import Models
internal import Primitives
package import Statistics
package import Versions
internal import Wire

package final class ServedMetrics: LearnerObserver {
  private struct State: Sendable, ByteCodable {
    var versions: [VersionID: MetricSet] = [:]
    var arms: [(name: String, metrics: MetricSet)] = []
    /// The split that `arms` belong to.
    var split: [SplitArm] = []
    var salt = ""

    init() {}

    func encode(to writer: inout ByteWriter) {
      writer.write(versions.sorted { $0.key < $1.key }) { writer, entry in
        writer.write(entry.key)
        entry.value.encode(to: &writer)
      }
      writer.write(arms) { writer, arm in
        writer.write(arm.name)
        arm.metrics.encode(to: &writer)
      }
      writer.write(split) { $0.write($1) }
      writer.write(salt)
    }

    init(from reader: inout ByteReader) throws(ByteCodecError) {
      let kept = try reader.readArray(limit: 1 << 20) { reader throws(ByteCodecError) in
        let id = try reader.read(VersionID.self)
        return (id, try MetricSet(from: &reader))
      }
      versions = Dictionary(kept) { first, _ in first }
      arms = try reader.readArray(limit: 64) { reader throws(ByteCodecError) in
        let name = try reader.read(String.self)
        return (name, try MetricSet(from: &reader))
      }
      split = try reader.readArray(limit: 64) { reader throws(ByteCodecError) in try reader.read() }
      salt = try reader.read()
    }

    /// Another split begins with empty metrics.
    mutating func begin(_ serving: Serving, _ head: Model) {
      guard split != serving.registry.arms || salt != serving.registry.salt else { return }
      split = serving.registry.arms
      salt = serving.registry.salt
      arms = split.map { ($0.name, head.emptyMetrics) }
    }
  }

  /// The learner's own.
  private struct Hand {
    var pin: Pin<Serving>
    var workspace: Workspace?
  }

  private let state: Guarded<State>
  private let path: String
  nonisolated(unsafe) private var hand: Hand

  /// - Parameter path: where the metrics are kept. Without the file, or if it is damaged, they begin anew.
  package init(_ serving: Publication<Serving>, path: String) {
    // Sound because: only the learner's thread, which calls `willLearn`, touches it after this.
    hand = Hand(pin: Pin(serving))
    self.path = path
    state = Guarded((try? ChecksummedFile.read(from: path)) ?? State())
  }

  /// Writes the file. Blocks. What cannot be written is lost at the next start only.
  func save(_ registry: Registry) {
    let now = state.withLock { state in
      state.versions = state.versions.filter { registry[$0.key] != nil }
      return state
    }
    guard !now.versions.isEmpty || !now.arms.isEmpty else { return }
    try? ChecksummedFile.write(now, to: path)
  }

  /// On events since the version was first served.
  package func values(of id: VersionID) -> [MetricValue] {
    state.withLock { $0.versions[id] }?.values() ?? []
  }

  /// On events since the split began.
  package func values(ofArm name: String) -> [MetricValue] {
    state.withLock { state in state.arms.first { $0.name == name }?.metrics }?.values() ?? []
  }

  // hot: one atomic load an event.
  /// False while the head is served to everybody.
  package var isWatching: Bool {
    let serving = hand.pin.value()
    return serving.arms.count > 1 || serving.arms[0].revision != nil || serving.shadow?.revision != nil
  }

  package func willLearn(_ record: LogRecord, head: Model) {
    let serving = hand.pin.value()
    let isSplit = serving.arms.count > 1
    guard record.kind == RecordKind.event, !record.isTombstone,
      let event = try? EventView(record.payload), event.kind == .interaction
    else { return }
    let time = event.timeNanos != 0 ? event.timeNanos : record.timeNanos
    let place = serving.arm(ofUser: head.plan.userKey(event.user))
    let arm = serving.arms[place]
    if let score = score(event, time, by: arm.revision?.model ?? head) {
      state.withLock { state in
        state.begin(serving, head)
        if isSplit { score.add(to: &state.arms[place].metrics) }
        if let id = arm.revision?.version { score.add(to: &state.versions[id, default: head.emptyMetrics]) }
      }
    }
    if let shadow = serving.shadow?.revision, let id = shadow.version,
      let score = score(event, time, by: shadow.model)
    {
      state.withLock { score.add(to: &$0.versions[id, default: head.emptyMetrics]) }
    }
  }

  private struct Score {
    var prediction: Double
    var label: Double
    var weight: Double

    func add(to metrics: inout MetricSet) {
      metrics.update(prediction: prediction, label: label, weight: weight)
    }
  }

  private func score(_ event: EventView, _ timeNanos: Int64, by model: Model) -> Score? {
    let workspace = hand.workspace ?? Workspace(model.plan, model.ensemble)
    hand.workspace = workspace
    guard let answer = model.score(event, timeNanos: timeNanos, in: workspace) else { return nil }
    let example = workspace.example
    return Score(
      prediction: Double(answer.value), label: Double(example.label), weight: Double(example.weight))
  }
}
