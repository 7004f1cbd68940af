import Configuration
import Wire

@testable import Features

/// A state with its example buffer, fed with events as the learner would.
struct Fixture {
  let plan: FeaturePlan
  var state: FeatureState
  let example: Example

  init(_ yaml: String) throws {
    plan = FeaturePlan(try Configuration(yaml: yaml))
    state = FeatureState(plan)
    example = Example(plan)
  }

  static func rating(
    _ user: String, _ item: String, _ value: Double = 1, at seconds: Double, type: String = "rating",
    context: [NamedAttribute] = []
  ) -> EventBuilder {
    EventBuilder(
      timeNanos: Int64(seconds * 1e9),
      .interaction(type: type, user: user, item: item, value: value, context: context))
  }

  /// Makes the event's example, and then lets the event change the state.
  @discardableResult
  mutating func learn(_ event: EventBuilder) throws -> [Float] {
    try event.encoded().withUnsafeBytes { bytes in
      let view = try EventView(bytes)
      switch view.kind {
      case .interaction:
        state.makeExample(view, timeNanos: view.timeNanos, into: example)
        let dense = example.denseArray
        state.update(view, example)
        return dense
      default:
        state.update(entity: view, timeNanos: view.timeNanos)
        return []
      }
    }
  }

  /// Makes the event's example only.
  func make(_ event: EventBuilder) throws {
    try event.encoded().withUnsafeBytes { bytes in
      let view = try EventView(bytes)
      #if DEBUG
        precondition(view.kind == .interaction)
      #endif
      state.makeExample(view, timeNanos: view.timeNanos, into: example)
    }
  }

  /// The example's features of one template.
  func features(_ name: String) -> [Float] {
    example.features.filter { plan.slots[Int($0.slot)].name == name }.map(\.value)
  }

  func dense(_ name: String) -> Float {
    example.dense[plan.denseNames.firstIndex(of: name)!]
  }

  mutating func retract(_ event: EventBuilder) throws {
    try event.encoded().withUnsafeBytes { bytes in
      let view = try EventView(bytes)
      state.retract(view, timeNanos: view.timeNanos, example)
    }
  }

  mutating func set(
    _ kind: EventView.EntityKind, _ id: String, _ action: EventView.Action = .set,
    _ attributes: [NamedAttribute] = []
  ) throws {
    try learn(EventBuilder(timeNanos: 1_000_000_000, .entity(kind, id: id, action, attributes: attributes)))
  }
}

struct Generator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
