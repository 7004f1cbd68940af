import CMessages
import Configuration
import Foundation
import Learning
import Service
import Testing
import Transport
import Versions
import Wire

@Suite(.serialized)
struct PredictTests {
  /// Makes a version and waits for it.
  private func keep(_ daemon: TestDaemon, labels: [String] = []) throws -> VersionRecord {
    let (model, offset) = (Box<(Learning.Model, UInt64)>(), DispatchSemaphore(value: 0))
    daemon.context.withHead { head, at in
      model.value = (head, at)
      offset.signal()
    }
    offset.wait()
    let (head, at) = try #require(model.value)
    let record = try daemon.context.createVersion(
      of: head, offset: at, VersionOrder(author: Author(uid: 0), reason: "test", labels: labels))
    return record
  }

  @Test("a version answers the same bits for ever, by id, label, latest and time, while the head moves on")
  func selectors() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<300))
    try client.flush()
    let items = (0..<31).map { "i\($0)" }
    let before = try client.score("u3", items, .head)
    let record = try keep(daemon, labels: ["stable"])
    try client.append(Shop.ratings(300..<600))
    try client.flush()

    #expect(try client.score("u3", items, .head).scores != before.scores)
    #expect(try client.score("u3", items, .serving).version == "")
    for selector: Selector in [.id("\(record.id)"), .label("stable"), .latest, .asOf(record.createdNanos)] {
      let answer = try client.score("u3", items, selector)
      #expect(answer.version == "\(record.id)")
      #expect(answer.scores == before.scores)
      #expect(answer.offset == record.offset)
    }
    #expect(refusal { _ = try client.score("u3", items, .id("v99")) }?.code == .notFound)
    #expect(refusal { _ = try client.score("u3", items, .id("17")) }?.code == .invalidArgument)
    #expect(refusal { _ = try client.score("u3", items, .label("canary")) }?.code == .notFound)
    #expect(refusal { _ = try client.score("u3", items, .asOf(1)) }?.code == .notFound)
    #expect(refusal { _ = try client.score("u3", items, .previous) }?.code == .notFound)
  }

  @Test("a version that is on the disk only is loaded, and answers the same bits")
  func loads() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<200))
    try client.flush()
    let before = try client.score("u3", ["i1", "i2"], .head)
    let record = try keep(daemon)
    try daemon.restart()
    let answer = try daemon.client().score("u3", ["i1", "i2"], .id("\(record.id)"))
    #expect(answer.scores == before.scores)
    #expect(answer.version == "\(record.id)")
  }

  @Test("a request that waits in vain ends at its deadline, or is answered degraded if it says so")
  func freshness() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    let last = try client.append(Shop.ratings(0..<20)).last
    try client.flush()
    let record = try keep(daemon)
    let future = last + 1_000
    let late = refusal {
      _ = try client.score("u1", ["i1"], minimumOffset: future, timeoutNanos: 100_000_000)
    }
    #expect(late?.code == .deadlineExceeded)
    let degraded = try client.score(
      "u1", ["i1"], minimumOffset: future, allowsDegraded: true, timeoutNanos: 500_000_000)
    #expect(degraded.degraded == "min_offset not reached")
    // A version never changes: to wait for it would be in vain.
    let old = refusal { _ = try client.score("u1", ["i1"], .id("\(record.id)"), minimumOffset: future) }
    #expect(old?.code == .failedPrecondition)
    #expect(
      try client.score("u1", ["i1"], .latest, minimumOffset: future, allowsDegraded: true).degraded
        == "min_offset not reached")
  }

  @Test("bad fields are refused by name, value and bound")
  func bounds() throws {
    let daemon = try TestDaemon { $0.limits.candidates = 10 }
    let client = try daemon.client()
    let many = refusal { _ = try client.score("u", Array(repeating: "i", count: 11)) }
    #expect(many?.code == .invalidArgument)
    #expect(many?.message.contains("11 candidates; 1 to 10 are allowed") == true)
    #expect(refusal { _ = try client.score("u", []) }?.code == .invalidArgument)
    let long = String(repeating: "x", count: 257)
    #expect(
      refusal { _ = try client.score(long, ["i"]) }?.message.contains("ScoreRequest.user: 257 bytes") == true)
    #expect(
      refusal { _ = try client.score("u", ["a", long]) }?.message.contains("candidates[1].item") == true)
    #expect(refusal { _ = try client.score("u", ["a"], timeNanos: -1) }?.code == .invalidArgument)
  }

  @Test("one request of many candidates, in any number, answers as many requests of one")
  func batches() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<400))
    try client.flush()
    for count in [1, 2, 9, 16, 31, 513, 1_100] {
      let items = (0..<count).map { "i\($0 % 40)" }
      let all = try client.score("u5", items).scores
      #expect(all.count == count)
      for place in stride(from: 0, to: count, by: max(1, count / 7)) {
        #expect(try client.score("u5", [items[place]]).scores == [all[place]])
      }
    }
  }

  @Test("contributions sum to the logit, and the score is that of Score")
  func explain() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<500))
    try client.flush()
    for (user, item) in [("u1", "i1"), ("u1", "unknown"), ("", "i2"), ("u2", ""), ("", "")] {
      let score = try client.score(user, [item]).scores[0]
      try client.ask(
        "Predict", "Explain", Cowbird__V1__ExplainRequest.self, Cowbird__V1__ExplainResponse.self
      ) {
        request, arena in
        request.user = arena.text(user)
        request.time_nanos = 1_000_000_000_000_000_000
        var candidate = Cowbird__V1__Candidate.empty
        candidate.item = arena.text(item)
        request.candidate = arena.message(candidate)
      } _: { answer in
        let sum = (0..<answer.n_contributions).reduce(0.0) {
          $0 + Double(answer.contributions[$1]!.pointee.contribution)
        }
        #expect(abs(sum - Double(answer.logit)) < 1e-4)
        #expect(answer.score == score)
      }
    }
  }
}

/// A value that another thread sets before a semaphore is signalled.
final class Box<Value>: @unchecked Sendable {
  var value: Value?
}
