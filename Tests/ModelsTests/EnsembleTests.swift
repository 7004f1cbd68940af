// Promises of the whole: determinism, what serving sees, copies, pages, poison.

import Configuration
import Primitives
import Tables
import Testing

@testable import Models

@Suite("Ensemble")
struct EnsembleTests {
  private static let combinations: [Combination] = [.first, .mean, .rls, .mlp, .both]

  @Test("serving answers what learning would have answered", arguments: [false, true])
  func serving(isLogistic: Bool) throws {
    for combination in Self.combinations {
      var ensemble = Ensemble(
        try TestPlans.plan(TestPlans.everyMember, isLogistic: isLogistic, combination: combination))
      let scratch = EnsembleScratch(ensemble)
      let reading = EnsembleScratch(ensemble)
      for example in TestPlans.stream(120, isLogistic: isLogistic) {
        let served = try ensemble.weightsOnly().score(example, reading)
        let learned = try ensemble.learn(example, scratch)
        #expect(abs(served.logit - learned.logit) <= 2e-5 * max(1, abs(learned.logit)))
        #expect(abs(served.value - learned.value) <= 2e-5)
        for (one, other) in zip(reading.memberOutputs, scratch.memberOutputs) {
          #expect(abs(one.total - other.total) <= 2e-5 * max(1, abs(other.total)))
        }
      }
      #expect(ensemble.examples == 120)
    }
  }

  @Test("candidates of one request are answered as they would be one by one")
  func candidates() throws {
    var ensemble = Ensemble(try TestPlans.plan(TestPlans.everyMember, combination: .both))
    let scratch = EnsembleScratch(ensemble)
    let stream = TestPlans.stream(400)
    for example in stream.prefix(300) { try ensemble.learn(example, scratch) }
    let batch = CandidateBatch(ensemble.plan)
    let candidates = (0..<40).map { index in
      var example = stream[300]
      example.item = UInt64(index + 1)
      example.features[2].key = StableHash.combine(11, UInt64(index))
      example.features[3].key = StableHash.combine(13, UInt64(index))
      example.dense[1] = Float(index) / 40
      return example
    }
    for example in candidates { try example.withView { try batch.append($0) } }
    var answers: [Prediction] = []
    ensemble.score(batch, scratch) { place, prediction in
      #expect(place == answers.count)
      answers.append(prediction)
    }
    #expect(answers.count == 40)
    for (example, answer) in zip(candidates, answers) {
      #expect(abs(try ensemble.score(example, scratch).logit - answer.logit) < 2e-5)
    }
    batch.removeAll()
    #expect(batch.count == 0)
  }

  @Test(
    "two runs are equal, with copies taken, dropped and written over in between", arguments: [false, true])
  func determinism(isLogistic: Bool) throws {
    let plan = try TestPlans.plan(TestPlans.everyMember, isLogistic: isLogistic, combination: .both)
    var plain = Ensemble(plan)
    var copied = Ensemble(plan)
    let (scratch, other) = (EnsembleScratch(plain), EnsembleScratch(plain))
    var kept: [Ensemble] = []
    for (index, example) in TestPlans.stream(200, isLogistic: isLogistic).enumerated() {
      let one = try plain.learn(example, scratch)
      if index % 3 == 0 { kept.append(copied) }
      if index % 5 == 0 { kept.append(copied.weightsOnly()) }
      if index % 11 == 0 {
        var fork = copied
        try fork.learn(example, other)
        try fork.learn(example, other)
      }
      if kept.count > 4 { kept.remove(at: index % 4) }
      #expect(try copied.learn(example, other) == one)
      if index % 20 == 0 { #expect(copied.digest == plain.digest) }
    }
    #expect(copied == plain)
  }

  @Test("learning goes on alike after a round trip through pages, whole or as changes, at any point")
  func pages() throws {
    let plan = try TestPlans.plan(TestPlans.everyMember, combination: .both)
    var ensemble = Ensemble(plan)
    let scratch = EnsembleScratch(ensemble)
    var parent = ensemble
    var first = PageBuffer()
    try ensemble.write(to: &first)
    var files = [first.bytes]
    for (index, example) in TestPlans.stream(90).enumerated() {
      try ensemble.learn(example, scratch)
      guard index % 13 == 0 else { continue }
      var whole = PageBuffer()
      try ensemble.write(to: &whole)
      var restored = try Ensemble(plan, from: &whole)
      #expect(whole.isAtEnd)
      #expect(restored.digest == ensemble.digest)
      var changes = PageBuffer()
      try ensemble.write(to: &changes, since: parent)
      files.append(changes.bytes)
      var chain = PageLayers(files.reversed().map { PageStreamReader(bytes: $0) })
      #expect(try Ensemble(plan, from: &chain).digest == ensemble.digest)
      var original = ensemble
      try restored.learn(example, scratch)
      try original.learn(example, scratch)
      #expect(restored.digest == original.digest)
      parent = ensemble
    }
  }

  @Test("pages of another plan, or cut short, are refused")
  func damage() throws {
    var ensemble = Ensemble(try TestPlans.plan(TestPlans.everyMember, combination: .both))
    let scratch = EnsembleScratch(ensemble)
    for example in TestPlans.stream(30) { try ensemble.learn(example, scratch) }
    var pages = PageBuffer()
    try ensemble.write(to: &pages)
    let other = try TestPlans.plan([member("joint", .joint)])
    #expect(throws: EnsembleMismatch.self) {
      var source = PageBuffer(bytes: pages.bytes)
      _ = try Ensemble(other, from: &source)
    }
    for step in 0..<40 {
      let cut = pages.bytes.count * step / 40
      #expect(throws: (any Error).self) {
        var source = PageBuffer(bytes: Array(pages.bytes.prefix(cut)))
        _ = try Ensemble(ensemble.plan, from: &source)
      }
    }
  }

  @Test("what cannot be learned is refused, and nothing changes")
  func refusals() throws {
    var ensemble = Ensemble(try TestPlans.plan(TestPlans.everyMember, combination: .both))
    let scratch = EnsembleScratch(ensemble)
    let stream = TestPlans.stream(20)
    for example in stream { try ensemble.learn(example, scratch) }
    let before = ensemble.digest
    func expect(_ refusal: Refusal, _ change: (inout TestExample) -> Void) {
      var example = stream[3]
      change(&example)
      #expect(throws: refusal) { try ensemble.learn(example, scratch) }
      #expect(ensemble.digest == before)
    }
    for poison in [Float.nan, .infinity, -.infinity, .signalingNaN] {
      expect(.labelNotFinite) { $0.label = poison }
      expect(.weightNotFinite) { $0.weight = poison }
      expect(.valueNotFinite) { $0.features[1].value = poison }
      expect(.valueNotFinite) { $0.dense[2] = poison }
    }
    expect(.weightNotFinite) { $0.weight = -1 }
    expect(.unknownTemplate) { $0.features[0].slot = 99 }
    #expect(throws: Refusal.valueNotFinite) {
      var example = stream[0]
      example.features[0].value = .nan
      _ = try ensemble.score(example, scratch)
    }
  }

  @Test(
    "huge and tiny numbers, no features, many, repeated and extreme keys leave every number finite",
    arguments: [false, true])
  func extremes(isLogistic: Bool) throws {
    for combination in Self.combinations {
      var ensemble = Ensemble(
        try TestPlans.plan(
          TestPlans.everyMember, isLogistic: isLogistic, combination: combination, minimum: -1e9, maximum: 1e9
        ))
      let scratch = EnsembleScratch(ensemble)
      var examples = TestPlans.stream(6, isLogistic: isLogistic)
      let numbers: [Float] = [
        1e38, -1e38, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .greatestFiniteMagnitude,
      ]
      for number in numbers {
        var example = examples[0]
        example.features[0].value = number
        example.dense[1] = number
        example.label = number
        example.weight = number.magnitude
        examples.append(example)
      }
      var empty = TestExample()
      empty.dense = [1, 0, 0]
      empty.label = 2
      examples.append(empty)
      var repeated = examples[1]
      repeated.features = Array(repeating: repeated.features[0], count: 30)
      examples.append(repeated)
      var extreme = examples[2]
      extreme.features[0].key = 0
      extreme.features[1].key = .max
      (extreme.user, extreme.item) = (.max, .max - 1)
      examples.append(extreme)
      for _ in 0..<15 {
        for example in examples {
          let prediction = try ensemble.learn(example, scratch)
          #expect(prediction.logit.isFinite && prediction.value.isFinite)
        }
      }
      ensemble.expectFinite()
    }
  }

  @Test("ten thousand features in one example are learned by every member")
  func manyFeatures() throws {
    var ensemble = Ensemble(try TestPlans.plan(TestPlans.everyMember, isLogistic: true))
    let scratch = EnsembleScratch(ensemble)
    var example = TestPlans.stream(1)[0]
    example.features = (0..<10_000).map { (UInt16($0 % 4), CounterRandom.mix(UInt64($0)), 1) }
    example.label = 1
    for _ in 0..<2 { try ensemble.learn(example, scratch) }
    #expect(try ensemble.score(example, scratch).value > 0.5)
    ensemble.expectFinite()
  }

  @Test("a rate of 0 changes no weight; live settings change steps")
  func rates() throws {
    let sections = [member("linear", .linear) { $0.gradientInit = 1e-6 }]
    var ensemble = Ensemble(try TestPlans.plan(sections, combination: .first))
    let scratch = EnsembleScratch(ensemble)
    var example = TestPlans.stream(1)[0]
    example.label = 5
    try ensemble.learn(example, scratch, rateScale: 0)
    #expect(ensemble.linears[0].sparse.weights(of: example.features[0].key) == [0])
    try ensemble.learn(example, scratch)
    // AdaGrad's second step of two gradients that are nearly alike (the prior moved): rate / sqrt(2).
    let once = try #require(ensemble.linears[0].sparse.weights(of: example.features[0].key))[0]
    #expect(abs(once - 0.05 / Float(2).squareRoot()) < 3e-3)
    var section = ModelSection()
    section.members = sections
    section.members[0].rate = 0
    ensemble.update(section)
    let before = ensemble.linears[0].sparse
    try ensemble.learn(example, scratch)
    #expect(
      ensemble.linears[0].sparse.weights(of: example.features[0].key)
        == before.weights(of: example.features[0].key))
  }

  @Test("contributions add up to the logit", arguments: [false, true])
  func explanations(isLogistic: Bool) throws {
    for combination in Self.combinations {
      for first in 0..<TestPlans.everyMember.count {
        var members = TestPlans.everyMember
        // Every kind takes its turn as the first one; those that learn another's error stay behind it.
        if members[first].residualOf.isEmpty { members.insert(members.remove(at: first), at: 0) }
        var ensemble = Ensemble(
          try TestPlans.plan(members, isLogistic: isLogistic, combination: combination))
        let scratch = EnsembleScratch(ensemble)
        let stream = TestPlans.stream(40, isLogistic: isLogistic)
        for example in stream.prefix(39) { try ensemble.learn(example, scratch) }
        let logit = try ensemble.score(stream[39], scratch).logit
        let parts = try stream[39].withView { try ensemble.contributions($0, scratch) }
        let sum = parts.reduce(0) { $0 + $1.contribution }
        // A residual without a base starts at the prior's z, which is told as part of it.
        #expect(abs(sum - Double(logit)) < 1e-4, "\(members[0].name), \(combination)")
      }
    }
  }

  @Test("what moved most is told by table, row and distance")
  func changes() throws {
    var ensemble = Ensemble(try TestPlans.plan(TestPlans.everyMember))
    let scratch = EnsembleScratch(ensemble)
    let stream = TestPlans.stream(60)
    for example in stream { try ensemble.learn(example, scratch) }
    let before = ensemble
    #expect(ensemble.changes(since: before, limit: 10).rows.isEmpty)
    var example = stream[59]
    example.features.append((3, 424_242, 1))
    try ensemble.learn(example, scratch)
    let changes = ensemble.changes(since: before, limit: 5)
    #expect(changes.rows.count == 5)
    #expect(zip(changes.rows, changes.rows.dropFirst()).allSatisfy { $0.distance >= $1.distance })
    let joint = try #require(changes.tables.first { $0.table == "joint.sparse" })
    #expect(joint.rowsChanged == 5 && joint.rowsAfter == joint.rowsBefore + 1)
    let all = ensemble.changes(since: before, limit: 1000).rows
    let new = try #require(all.first { $0.table == "joint.sparse" && $0.key == 424_242 })
    #expect(new.before == nil && new.after == ensemble.joints[0].sparse.weights(of: 424_242)?[0])
    let back = before.changes(since: ensemble, limit: 1000).rows
    #expect(back.contains { $0.table == "joint.sparse" && $0.key == 424_242 && $0.after == nil })
  }

  @Test("a warm start takes over what members of the same name learned")
  func warmStart() throws {
    var teacher = Ensemble(try TestPlans.plan(TestPlans.everyMember))
    let scratch = EnsembleScratch(teacher)
    let stream = TestPlans.stream(200)
    for example in stream { try teacher.learn(example, scratch) }
    var twin = Ensemble(teacher.plan)
    twin.warmStart(from: teacher)
    #expect(twin.digest == teacher.digest)
    // Another ensemble, with one member in common.
    var pupil = Ensemble(
      try TestPlans.plan(
        [member("joint", .joint) { $0.factors = 4 }, member("fresh", .linear)], combination: .first))
    let taken = pupil.warmStart(from: teacher)
    #expect(taken.contains("joint.sparse") && taken.contains("joint.factors"))
    #expect(!taken.contains("fresh.sparse"))
    let pupilScratch = EnsembleScratch(pupil)
    _ = try pupil.score(stream[0], pupilScratch)
    _ = try teacher.score(stream[0], scratch)
    #expect(pupilScratch.memberOutputs[0].total == scratch.memberOutputs[0].total)
  }

  @Test("a forgotten user or item is in no history and has no rows of its own")
  func forgetting() throws {
    var ensemble = Ensemble(try TestPlans.plan(TestPlans.everyMember))
    let scratch = EnsembleScratch(ensemble)
    for example in TestPlans.stream(150) { try ensemble.learn(example, scratch) }
    func entries(of key: UInt64, _ history: HistoryTable) -> Int {
      var count = 0
      history.table.forEachRow { _, _, _, row, _ in
        for slot in 0..<16 where HistoryTable.key(row, slot) == key { count += 1 }
      }
      return count
    }
    #expect(entries(of: 3, ensemble.neighbours[0].histories) > 0)
    #expect(entries(of: 2, ensemble.pooled[0].histories) > 0)
    ensemble.forget(user: 3)
    ensemble.forget(item: 2)
    #expect(entries(of: 3, ensemble.neighbours[0].histories) == 0)
    #expect(ensemble.neighbours[1].histories.table.find(3) == nil)
    #expect(entries(of: 2, ensemble.pooled[0].histories) == 0)
    #expect(ensemble.pooled[0].histories.table.find(3) == nil)
    #expect(ensemble.pooled[0].vectors.find(2) == nil)

    for example in TestPlans.stream(30) { try ensemble.learn(example, scratch) }
    ensemble.expectFinite()
  }

  @Test("members that cannot be are refused with their place")
  func plans() throws {
    func message(_ members: [MemberSection]) -> String {
      do {
        _ = try TestPlans.plan(members)
        return ""
      } catch { return "\(error)" }
    }
    #expect(message([]).contains("model.members"))
    #expect(
      message([member("a", .pooled) { $0.residualOf = "b" }, member("b", .joint)]).contains(
        "\"b\" is no member before it"))
    #expect(message([member("n", .mlp) { $0.optimizer = .ftrl }]).contains("model.members.n.optimizer"))
  }
}

extension Ensemble {
  /// Fails for any number that is not finite, or a denormal, in any table.
  func expectFinite() {
    forEachTable { name, table in
      guard !name.hasSuffix(".histories") else { return }
      table.forEachRow { _, key, _, weights, state in
        for place in 0..<table.layout.weights where !weights[place].isFinite || weights[place].isSubnormal {
          Issue.record("\(name), key \(key): weight \(weights[place])")
        }
        for place in 0..<table.layout.state where !(state?[place].isFinite ?? true) {
          Issue.record("\(name), key \(key): state \(String(describing: state?[place]))")
        }
      }
    }
    #expect(stack.weights.allSatisfy { $0.isFinite })
    for joint in joints { #expect(joint.denseWeights.allSatisfy { $0.isFinite }) }
  }
}
