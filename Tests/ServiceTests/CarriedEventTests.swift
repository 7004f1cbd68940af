import CMessages
import Configuration
import EventLog
import Service
import Testing
import Transport
import Wire

/// Records that speak of an earlier event carry it.
@Suite(.serialized)
struct CarriedEventTests {
  private func daemon(_ change: (inout Configuration) -> Void = { _ in }) throws -> TestDaemon {
    try TestDaemon {
      $0.versions.atStop = false
      $0.log.segment = 64 << 10
      $0.hygiene.value.action = .quarantine
      $0.hygiene.range.action = .off
      ($0.hygiene.value.minimum, $0.hygiene.value.maximum) = (0, 10)
      change(&$0)
    }
  }

  private func retraction(of id: String = "", offset: UInt64 = 0, source: String = "") -> EventBuilder {
    EventBuilder(
      timeNanos: 1_700_000_009_000_000_000, source: source, .retraction(eventID: id, offset: offset))
  }

  /// Two segments of events and a version; then events of before are taken back and admitted.
  private func live(_ client: Client, retracts: Bool) throws {
    let odd = EventBuilder(
      id: "odd", timeNanos: 1_700_000_000_500_000_000,
      .interaction(type: "rating", user: "u1", item: "i1", value: 50))
    let place = try client.append([odd]).first
    let taken = try client.append(Shop.ratings(0..<400)).first
    for start in stride(from: 400, to: 1_200, by: 400) {
      try client.append(Shop.ratings(start..<start + 400))
    }
    try client.create()
    try client.append(Shop.ratings(1_200..<1_250))
    if retracts {
      try client.append([retraction(of: "r3", source: "bot")])
      let acknowledged = try client.stream([[retraction(offset: taken + 7, source: "bot")]])
      #expect(acknowledged.refusals == [])
    }
    try client.flush()
    try client.admit([place])
    try client.append(Shop.ratings(1_250..<1_300))
  }

  @Test("a replay takes back and admits what the log holds no more")
  func deletedSegment() throws {
    let daemon = try daemon()
    let client = try daemon.client()
    try live(client, retracts: true)
    let neverStopped = try client.flush()

    let log = daemon.context.log
    log.setRetention(LogRetention(bytes: 1, nanos: nil))
    daemon.context.applyRetention()
    #expect(log.firstOffset > 10)
    try daemon.restart()
    let restarted = try daemon.client()
    #expect(try restarted.flush() == neverStopped)
    try restarted.rollback(to: .id("v1"), replay: true)
    #expect(try restarted.flush() == neverStopped)

    // And around the retractions, as if there had been none.
    try restarted.rollback(to: .id("v1"), excludingSources: ["bot"])
    let other = try self.daemon()
    try live(other.client(), retracts: false)
    let without = try other.client().flush()
    #expect(without != neverStopped)
    #expect(try restarted.flush() == without)
  }

  @Test("a stream takes back what it has just sent, by id and by offset, and what follows stays in order")
  func stream() throws {
    let daemon = try daemon()
    let client = try daemon.client()
    let answer = try client.stream([
      Shop.ratings(0..<20), [retraction(of: "r3")], [retraction(offset: 8), retraction(offset: 4_711)],
      [retraction(of: "unheard of")] + Shop.ratings(20..<30), Shop.ratings(30..<40),
    ])
    #expect(answer.acknowledged == 44)
    #expect(answer.refusals == [22, 23])
    let streamed = try client.flush()

    let other = try self.daemon()
    let receiver = try other.client()
    try receiver.append(Shop.ratings(0..<20))
    try receiver.append([retraction(of: "r3"), retraction(offset: 8)])
    try receiver.append(Shop.ratings(20..<40))
    #expect(try receiver.flush() == streamed)
  }

  @Test(
    "batches that come behind one with a retraction, unawaited, are logged behind it, and nothing is taken for a repeat"
  )
  func pipelined() throws {
    let daemon = try daemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<50))
    var sequence: UInt64 = 0
    func batch(_ events: [EventBuilder]) -> [UInt8] {
      Client.batch(
        events.map { event in
          sequence += 1
          var event = event
          event.sequence = sequence
          return event
        }, producer: "pipe")
    }
    for round in 0..<40 {
      let ratings = Shop.ratings(100 + 5 * round..<105 + 5 * round)
      let batches = [
        [ratings[0], retraction(of: "r\(round)")], [ratings[1], ratings[2]], [ratings[3]], [ratings[4]],
      ]
      let calls = try batches.map {
        try client.submit("cowbird.v1.Ingest", "Append", batch($0), timeoutNanos: patience)
      }
      let answers = try calls.map { try Client.Appended(client.collect($0)) }
      let counts = batches.map { UInt32($0.count) }
      let isInOrder = zip(answers, answers.dropFirst()).allSatisfy { $0.last < $1.first }
      #expect(answers.map { $0.accepted } == counts)
      #expect(answers.allSatisfy { $0.duplicates.isEmpty })
      #expect(isInOrder)
    }
  }

  @Test("an interaction is taken back once, however often that is asked, and nothing else is")
  func once() throws {
    let daemon = try daemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<50))
    let film = EventBuilder(
      id: "film", timeNanos: 1_700_000_000_500_000_000, .entity(.item, id: "i1", .set))
    try client.append([film])
    try client.append([retraction(of: "r3")])
    let taken = try client.flush()
    let again = try client.append([retraction(of: "r3"), retraction(of: "film")])
    #expect(again.duplicates == [0])
    #expect(again.refusals.map(\.index) == [1])
    #expect(again.refusals.allSatisfy { $0.reason.contains("no interaction") })
    #expect(try client.flush() == taken)
  }

  @Test("a batch's retractions carry no more than a bound, and name what is beyond it")
  func carriedBytes() throws {
    let daemon = try daemon()
    let client = try daemon.client()
    let large = (0..<30).map { NamedAttribute("note-\($0)", .text(String(repeating: "x", count: 50_000))) }
    for index in 0..<3 {
      try client.append([
        EventBuilder(
          id: "large-\(index)", timeNanos: 1_700_000_000_500_000_000,
          .interaction(type: "rating", user: "u1", item: "i1", value: 3, context: large))
      ])
    }
    let names = (0..<3).map { "large-\($0)" }
    let answer = try client.append(names.map { retraction(of: $0) })
    #expect(answer.accepted == 2)
    #expect(answer.refusals.map(\.index) == [2])
    #expect(try client.append([retraction(of: names[2])]).accepted == 1)
  }

  @Test("what a caller puts into the daemon's fields of a retraction is overwritten")
  func forged() throws {
    let daemon = try daemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<10))
    let forged = EventBuilder(
      .retraction(eventID: "r3", event: LoggedEvent(bytes: [8, 1], timeNanos: 5, producer: "nobody")))
    let place = try client.append([forged], producer: "me").first
    let expected = Shop.ratings(3..<4)[0]
    let carried = try daemon.context.log.withRecord(at: place) { record -> LoggedEvent? in
      guard let view = (try? EventView(record.payload)).flatMap(RetractedView.init) else { return nil }
      return LoggedEvent(
        bytes: Array(view.event.bytes), timeNanos: view.timeNanos, producer: view.producer.string)
    }
    #expect(
      carried == LoggedEvent(bytes: expected.encoded(), timeNanos: expected.timeNanos, producer: ""))
  }

  @Test("what a rollback left out or hygiene set aside is in no model, so that taking it back changes none")
  func neverLearned() throws {
    let daemon = try daemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<50))
    try client.create()
    var bad = Shop.ratings(50..<60)
    for place in bad.indices { bad[place].source = "bot" }
    try client.append(bad)
    try client.rollback(to: .id("v1"), excludingSources: ["bot"])
    try client.append([
      EventBuilder(
        id: "odd", timeNanos: 1_700_000_000_500_000_000,
        .interaction(type: "rating", user: "u1", item: "i1", value: 50))
    ])
    let before = try client.flush()
    try client.append([retraction(of: "r52"), retraction(of: "odd")])
    #expect(try client.flush() == before)
    try daemon.restart()
    #expect(try daemon.client().flush() == before)
  }
}

extension Client {
  /// Sends batches on one stream, and waits until all of it is acknowledged.
  /// - Returns: how many events were, and the places of those that were refused.
  fileprivate func stream(_ batches: [[EventBuilder]]) throws -> (acknowledged: UInt64, refusals: [UInt32]) {
    let stream = try openStream("cowbird.v1.Ingest", "Stream", .both, timeoutNanos: patience)
    for batch in batches {
      var message: [UInt8] = []
      for event in batch { Client.put(&message, 3, event.encoded()) }
      try stream.send(message)
    }
    try stream.closeSend()
    var acknowledged: UInt64 = 0
    var refusals: [UInt32] = []
    while try stream.receive(
      Cowbird__V1__StreamResponse.self,
      { answer in
        acknowledged = answer.pointee.acknowledged
        refusals += (0..<answer.pointee.n_refusals).map { answer.pointee.refusals[$0]!.pointee.index }
        return true
      }) == true
    {}
    return (acknowledged, refusals)
  }
}
