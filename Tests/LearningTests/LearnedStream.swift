// A model and the records that it has seen: what the tests of what is learned from a stream share.

import Configuration
import Features
import Wire

@testable import Learning

struct LearnedStream {
  var model: Model
  let workspace: Workspace
  private(set) var records: [[UInt8]] = []

  /// - Parameter yaml: the configuration.
  init(_ yaml: String) throws {
    model = try Model(FeaturePlan(try Configuration(yaml: yaml)))
    workspace = Workspace(model.plan, model.ensemble)
  }

  @discardableResult
  mutating func take(_ bytes: [UInt8]) throws -> LearnOutcome {
    records.append(bytes)
    return try bytes.withUnsafeBytes { bytes in
      let event = try EventView(bytes)
      return model.learn(
        event, encoded: bytes, timeNanos: event.timeNanos, offset: UInt64(records.count), in: workspace)
    }
  }

  @discardableResult
  mutating func take(_ event: EventBuilder) throws -> LearnOutcome { try take(event.encoded()) }
}
