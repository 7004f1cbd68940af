import CMessages
import Foundation
import Testing
import Transport
import Wire

@Suite(.serialized)
struct ThinPathTests {
  @Test("an event that was acknowledged is in the answer of a request that waits for it")
  func readYourWrites() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    for round in 0..<5 {
      let receipt = try client.append(Shop.ratings(round * 40..<round * 40 + 40))
      #expect(receipt.accepted == 40)
      let answer = try client.score("u1", ["i1", "i2", "never seen"], minimumOffset: receipt.last)
      #expect(answer.offset > receipt.last)
      #expect(answer.scores.count == 3)
      #expect(answer.scores.allSatisfy { (1...5).contains($0) })
    }
  }

  @Test("good events are kept when others are refused, and each refusal names place, field and reason")
  func refusals() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    var events = Shop.ratings(0..<3)
    events.insert(EventBuilder(.interaction(type: "rating", user: "u", item: "i", value: .nan)), at: 1)
    events.append(EventBuilder(.interaction(type: "purchase", user: "u", item: "i")))
    let receipt = try client.append(events)
    #expect(receipt.accepted == 3)
    #expect(receipt.last - receipt.first == 2)
    #expect(receipt.refusals.map(\.index) == [1, 4])
    #expect(receipt.refusals.map(\.field) == ["interaction.value", "interaction.type"])
    #expect(receipt.refusals[1].reason.contains("purchase"))
  }

  @Test("an event id that was seen, and a sequence that was seen, are answered as duplicates")
  func duplicates() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<4))
    let again = try client.append(Shop.ratings(2..<6))
    #expect(again.accepted == 2)
    #expect(again.duplicates == [0, 1])

    func numbered(_ range: Range<UInt64>) -> [EventBuilder] {
      range.map { number in
        EventBuilder(sequence: number, .interaction(type: "rating", user: "u1", item: "i1", value: 3))
      }
    }
    #expect(try client.append(numbered(1..<4), producer: "p").accepted == 3)
    let repeated = try client.append(numbered(2..<6), producer: "p")
    #expect(repeated.accepted == 2)
    #expect(repeated.duplicates == [0, 1])
  }

  @Test("a stream goes on after a reconnect from the producer's last sequence, nothing lost or doubled")
  func streamResumes() throws {
    let daemon = try TestDaemon()
    func message(_ range: Range<UInt64>, isFirst: Bool) -> [UInt8] {
      var bytes: [UInt8] = []
      if isFirst { Client.put(&bytes, 1, Array("producer".utf8)) }
      for number in range {
        let event = EventBuilder(
          timeNanos: 1_700_000_000_000_000_000 + Int64(number), sequence: number,
          .interaction(type: "rating", user: "u\(number % 5)", item: "i\(number % 7)", value: 4))
        Client.put(&bytes, 3, event.encoded())
      }
      return bytes
    }
    /// Sends, waits until all is acknowledged, and returns what the producer's sequence is then.
    func session(_ range: Range<UInt64>) throws -> (sequence: UInt64, duplicates: UInt32) {
      let client = try daemon.client()
      let stream = try client.openStream("cowbird.v1.Ingest", "Stream", .both)
      try stream.send(message(range, isFirst: true))
      var (acknowledged, sequence, duplicates) = (UInt64(0), UInt64(0), UInt32(0))
      while acknowledged < UInt64(range.count) {
        let isOpen = try stream.receive(Cowbird__V1__StreamResponse.self) { answer in
          acknowledged = answer.pointee.acknowledged
          sequence = answer.pointee.producer_sequence
          duplicates += answer.pointee.duplicates
          return true
        }
        guard isOpen == true else { break }
      }
      return (sequence, duplicates)
    }
    #expect(try session(1..<101) == (100, 0))
    #expect(try session(51..<201) == (200, 50))
    #expect(try daemon.client().state().end == 201)
  }

  @Test("what cannot be decoded, cut at any byte, is refused and the daemon serves on")
  func hostileRequests() throws {
    let daemon = try TestDaemon()
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<50))
    var request: [UInt8] = []
    Client.put(&request, 1, Array("u1".utf8))
    var candidate: [UInt8] = []
    Client.put(&candidate, 1, Array("i1".utf8))
    Client.put(&request, 3, candidate)
    Client.put(&request, 4, [0x1A, 2, 0x76, 0x31])
    Client.put(&request, 5, [0x08, 1, 0x10, 1])
    for method in ["Score", "Recommend", "Explain"] {
      for count in 0...request.count {
        _ = try? client.call(
          "cowbird.v1.Predict", method, Array(request.prefix(count)), timeoutNanos: patience)
      }
      for place in request.indices {
        var changed = request
        changed[place] ^= 0x55
        _ = try? client.call("cowbird.v1.Predict", method, changed, timeoutNanos: 200_000_000)
      }
    }
    for method in ["Configure", "Flush", "Quarantine"] {
      for count in 0...request.count {
        _ = try? client.call(
          "cowbird.v1.Update", method, Array(request.prefix(count)), timeoutNanos: patience)
      }
    }
    #expect(try daemon.client().score("u1", ["i1"]).scores.count == 1)
  }
}
