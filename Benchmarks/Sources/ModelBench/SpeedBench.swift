// Speed on Zipf-distributed keys: ten categorical features an example, as the design's targets have it.

import Configuration
import Features
import Foundation
import Models
import Primitives

/// Ten categorical features with keys by a Zipf-like law.
struct ZipfStream {
  static let featureCount = 10
  var keys: [UInt64] = []
  var labels: [Float] = []
  let slots = (0..<featureCount).map { UInt16($0) }
  let values = [Float](repeating: 1, count: featureCount)
  let dense: [Float] = [1]

  init(_ count: Int, cardinality: Int) {
    for index in 0..<count {
      for place in 0..<Self.featureCount {
        let u = CounterRandom.uniform(seed: 7, counter: UInt64(index * 16 + place))
        // Inverse of a Zipf-like distribution with exponent 1.
        let rank = UInt64(DeterministicMath.exp(u * DeterministicMath.log(Double(cardinality))))
        keys.append(StableHash.combine(UInt64(place), rank))
      }
      labels.append(CounterRandom.uniform(seed: 8, counter: UInt64(index)) < 0.3 ? 1 : 0)
    }
  }

  func withViews(_ body: (Int, FeatureView) -> Void) {
    keys.withUnsafeBufferPointer { keys in
      values.withUnsafeBufferPointer { values in
        slots.withUnsafeBufferPointer { slots in
          dense.withUnsafeBufferPointer { dense in
            for index in labels.indices {
              let first = keys.baseAddress! + index * Self.featureCount
              body(
                index,
                FeatureView(
                  keys: first, values: values.baseAddress!, slots: slots.baseAddress!,
                  count: Self.featureCount, sharedCount: Self.featureCount - 1, dense: dense.baseAddress!,
                  denseCount: 1, user: first[0], item: first[9], seconds: UInt32(1 + index / 1000),
                  label: labels[index]))
            }
          }
        }
      }
    }
  }

  static func plan(_ kind: MemberKind, _ combination: Combination = .first) -> EnsemblePlan {
    var member = MemberSection()
    member.name = "m"
    member.kind = kind
    member.factors = kind == .joint ? 8 : 16
    var members = [member]
    if combination == .rls {
      for (name, kind) in [("neighbours", MemberKind.neighbours), ("pooled", .pooled)] {
        var more = MemberSection()
        (more.name, more.kind, more.residualOf) = (name, kind, "m")
        if kind == .pooled { more.length = 50 }
        members.append(more)
      }
    }
    var stack = StackSection()
    stack.combination = combination
    let templates = (0..<featureCount).map { place in
      Template("f\(place)", factor: place == 0 ? .user : place == 9 ? .item : .none)
    }
    return try! EnsemblePlan(
      templates: templates, denseNames: ["constant"], objective: Objective(isLogistic: true),
      members: members,
      stack: stack)
  }
}

/// This thread's processor time in seconds: what others do on the machine counts less.
enum CPUTime {
  static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

enum LearnBench {
  static func run() {
    let count = 400_000
    let stream = ZipfStream(count, cardinality: 100_000)
    let cases: [(String, EnsemblePlan)] = [
      ("linear (adagrad)", ZipfStream.plan(.linear)), ("machine k=16 (adagrad)", ZipfStream.plan(.fm)),
      ("joint k=8", ZipfStream.plan(.joint)),
      ("joint + neighbours + pooled, rls", ZipfStream.plan(.joint, .rls)),
    ]
    for (name, plan) in cases {
      for publishEvery in [0, 10_000] {
        var ensemble = Ensemble(plan)
        let scratch = EnsembleScratch(ensemble)
        var revision: Ensemble?
        var start = CPUTime.now
        // The second half is timed: by then most rows are there.
        stream.withViews { index, view in
          if index == count / 2 { start = CPUTime.now }
          _ = try? ensemble.predict(learning: view, scratch)
          try? ensemble.learn(label: view.label, scratch)
          if publishEvery > 0, index % publishEvery == 0 { revision = ensemble.weightsOnly() }
        }
        let seconds = CPUTime.now - start
        let text = publishEvery == 0 ? "never published" : "published every \(publishEvery)"
        print(
          String(
            format: "%@, %@: %.3f M examples/s (%.2f us), %d rows", name, text,
            Double(count / 2) / seconds / 1e6, seconds / Double(count / 2) * 1e6, ensemble.rowCount))
        withExtendedLifetime(revision) {}
      }
    }
  }
}

enum ScoreBench {
  static func run() {
    let stream = ZipfStream(200_000, cardinality: 100_000)
    for (name, kind) in [("linear", MemberKind.linear), ("machine k=16", .fm), ("joint k=8", .joint)] {
      var ensemble = Ensemble(ZipfStream.plan(kind))
      let scratch = EnsembleScratch(ensemble)
      stream.withViews { _, view in
        _ = try? ensemble.predict(learning: view, scratch)
        try? ensemble.learn(label: view.label, scratch)
      }
      let revision = ensemble.weightsOnly()
      for own in [1, 5] {
        for candidates in [1, 100, 1_000] { measure(name, revision, scratch, stream, candidates, own) }
      }
    }
  }

  /// Candidates of one request differ in their last `own` features.
  private static func measure(
    _ name: String, _ revision: Ensemble, _ scratch: EnsembleScratch, _ stream: ZipfStream, _ candidates: Int,
    _ own: Int
  ) {
    let batch = CandidateBatch(revision.plan)
    let clock = ContinuousClock()
    var times: [Double] = []
    var gathering: [Double] = []
    var sum: Float = 0
    let rounds = max(50, 20_000 / candidates)
    var views: [FeatureView] = []
    stream.withViews { index, view in
      if index < rounds + candidates * 2 { views.append(view) }
    }
    stream.withViews { index, view in
      guard index < rounds else { return }
      var keys = (0..<ZipfStream.featureCount).map { view.keys[$0] }
      var copy = view
      copy.sharedCount = ZipfStream.featureCount - own
      let start = clock.now
      batch.removeAll()
      keys.withUnsafeMutableBufferPointer { keys in
        for candidate in 0..<candidates {
          let other = views[(index + candidate) % views.count]
          for place in ZipfStream.featureCount - own..<ZipfStream.featureCount {
            keys[place] = other.keys[place]
          }
          copy.keys = UnsafePointer(keys.baseAddress!)
          try? batch.append(copy)
        }
      }
      let middle = clock.now
      revision.score(batch, scratch) { _, prediction in sum += prediction.value }
      times.append((clock.now - middle) / .microseconds(1))
      gathering.append((middle - start) / .microseconds(1))
    }
    times.sort()
    gathering.sort()
    print(
      String(
        format:
          "%@, %d candidates with %d features of their own: p50 %.2f us, p99 %.2f us; gathering %.2f us",
        name, candidates, own, times[times.count / 2], times[times.count * 99 / 100],
        gathering[gathering.count / 2]))
    if sum.isNaN { print("never") }
  }
}
