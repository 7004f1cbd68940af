import Testing

@testable import Configuration

/// What rules of hygiene can do, and what files' records are.
@Suite struct RuleTests {
  /// Everything that a rule can do. What stands here is tried rule by rule where it acts: see HygieneActionTests and
  /// IngestRuleTests.
  private static let possible: [String: [HygieneAction]] = [
    "clock": [.off, .reject],
    "stream": [.off, .weight, .quarantine],
    "weight": [.off, .reject, .clip, .quarantine],
    "value": [.off, .reject, .clip, .weight, .quarantine],
    "range": [.off, .reject, .clip, .weight, .quarantine],
    "missing": [.off, .reject, .quarantine],
    "outlier": [.off, .clip, .weight, .quarantine],
    "anomaly": [.off, .weight, .quarantine],
    "burst": [.off, .weight, .quarantine],
  ]

  @Test(
    "a rule takes the actions that it can carry out, and refuses the others naming those",
    arguments: possible.keys)
  func actions(rule: String) throws {
    let possible = try #require(Self.possible[rule])
    for action in HygieneAction.allCases {
      let yaml = "preset: clicks\nhygiene:\n  \(rule): {action: \(action.rawValue)}\n"
      if possible.contains(action) {
        #expect(throws: Never.self) { try Configuration(yaml: yaml) }
      } else {
        let error = #expect(throws: ConfigurationError.self) { try Configuration(yaml: yaml) }
        let problem = try #require(error?.problems.first)
        #expect(problem.line == 3 && problem.path == "hygiene.\(rule).action")
        let allowed = possible.map(\.rawValue).joined(separator: ", ")
        #expect(problem.message == "\"\(action.rawValue)\" is not allowed; allowed: one of \(allowed)")
      }
    }
  }

  @Test("every rule that has an action is in the table")
  func complete() {
    let rules = Preset.clicks.configuration.fields.map(\.path).filter {
      $0.hasPrefix("hygiene.") && $0.hasSuffix(".action")
    }
    #expect(Set(rules) == Set(Self.possible.keys.map { "hygiene.\($0).action" }))
  }

  private func classified(_ preset: Preset, _ label: Double, type: String = "") throws -> ClassifiedRecord {
    try preset.configuration.recordTypes.classified(label, type: type)
  }

  @Test("a class chooses between what happened and what did not, where the configuration has both")
  func classes() throws {
    for preset in [Preset.clicks, .ads] {
      #expect(try classified(preset, 1) == ClassifiedRecord(type: "click", value: 1))
      #expect(try classified(preset, 0) == ClassifiedRecord(type: "impression", value: 0))
      #expect(try classified(preset, -1) == ClassifiedRecord(type: "impression", value: 0))
      #expect(try classified(preset, 1, type: "impression") == ClassifiedRecord(type: "click", value: 1))
      #expect(try classified(preset, 0, type: "click") == ClassifiedRecord(type: "impression", value: 0))
    }
    #expect(try classified(.clicks, 1, type: "purchase") == ClassifiedRecord(type: "purchase", value: 1))
    #expect(try classified(.clicks, 4, type: "rating") == ClassifiedRecord(type: "rating", value: 4))
    #expect(try classified(.ratings, 4) == ClassifiedRecord(type: "rating", value: 4))
    // A threshold of 0.5 tells -1 from 1.
    #expect(try classified(.fraud, -1) == ClassifiedRecord(type: "payment", value: -1))
    #expect(Preset.fraud.configuration.events[0].threshold == 0.5)
  }

  @Test(
    "a grade in a column of classes, and a class that no event type stands for, are refused with what to set")
  func noClass() throws {
    let grade = #expect(throws: RecordTypes.Problem.self) { try classified(.clicks, 4) }
    #expect(grade?.allowed.contains("rating") == true)
    let lone = try Configuration(yaml: "events: {click: positive}").recordTypes
    #expect(try lone.classified(1, type: "").type == "click")
    let negative = #expect(throws: RecordTypes.Problem.self) { try lone.classified(0, type: "") }
    #expect(negative?.allowed.contains("label: negative") == true)
    #expect(negative?.allowed.contains("events.click.label: threshold") == true)
  }

  @Test("an event type's range is its own, else follows from its label")
  func ranges() throws {
    let configuration = try Configuration(
      yaml: """
        label: {minimum: 1, maximum: 10, center: 5}
        events:
          grade: value
          half: {label: value, minimum: 0.5, maximum: 5}
          click: positive
          free: {label: positive, minimum: 0}
          seen: negative
          stars: {label: threshold, threshold: 4, maximum: 5}
        """)
    let ranges = configuration.events.map { configuration.range(of: $0) }
    let most = Double.greatestFiniteMagnitude
    #expect(ranges == [1...10, 0.5...5, .leastNonzeroMagnitude...most, 0...most, nil, -most...5])
    let error = #expect(throws: ConfigurationError.self) {
      try Configuration(yaml: "events: {a: {label: value, minimum: 3, maximum: 2}}")
    }
    #expect(error?.problems.first?.path == "events.a.minimum")
  }
}
