// What the load is made of: a function of the seed and the request's number.

import CMessages
import Primitives
import Wire

enum LoadKind: String, CaseIterable, Sendable { case ingest, score, recommend }

struct LoadPlan: Sendable {
  let shares: [(LoadKind, Double)]
  let shop: ShopSimulator
  let candidates: Int
  let k: UInt32
  let batch: Int
  let type: String
  let missType: String
  let seed: UInt64

  /// The kind of request `number`.
  func kind(_ number: UInt64) -> LoadKind {
    let total = shares.reduce(0) { $0 + $1.1 }
    var place = CounterRandom.uniform(seed: seed ^ 0x61, counter: number) * total
    for (kind, share) in shares {
      place -= share
      if place < 0 { return kind }
    }
    return shares[shares.count - 1].0
  }

  func request(_ kind: LoadKind, _ number: UInt64) throws -> [UInt8] {
    switch kind {
    case .ingest: try ingest(number)
    case .score: try score(number)
    case .recommend: try recommend(number)
    }
  }

  static func method(_ kind: LoadKind) -> (service: String, method: String) {
    switch kind {
    case .ingest: ("cowbird.v1.Ingest", "Append")
    case .score: ("cowbird.v1.Predict", "Score")
    case .recommend: ("cowbird.v1.Predict", "Recommend")
    }
  }

  private func user(_ number: UInt64) -> String {
    shop.users[CounterRandom.index(below: shop.users.count, seed: seed ^ 0x62, counter: number)].id
  }

  private func item(_ number: UInt64, _ place: Int) -> String {
    let counter = number &* 10_007 &+ UInt64(place)
    return shop.items[CounterRandom.index(below: shop.items.count, seed: seed ^ 0x63, counter: counter)].id
  }

  private func ingest(_ number: UInt64) throws -> [UInt8] {
    var bytes: [UInt8] = []
    let now = WallClock.nanos()
    for place in 0..<batch {
      let event = shop.event(
        Int(truncatingIfNeeded: (number &* UInt64(batch) &+ UInt64(place)) & 0xFFFF_FFFF))
      // AppendRequest.events.
      EventBuilder(
        timeNanos: now, source: event.source,
        .interaction(
          type: event.clicked ? type : missType, user: event.user, item: event.item,
          value: type == missType ? (event.clicked ? 5 : 1) : nil,
          context: [NamedAttribute("device", .text(event.device))])
      ).encode(into: &bytes, as: 2)
    }
    return bytes
  }

  private func score(_ number: UInt64) throws -> [UInt8] {
    try DaemonConnection.encoded { (arena, request: inout Cowbird__V1__ScoreRequest) in
      request.user = arena.text(user(number))
      (request.n_candidates, request.candidates) = arena.messages(
        (0..<candidates).map { place in
          var candidate = Cowbird__V1__Candidate.empty
          candidate.item = arena.text(item(number, place))
          return candidate
        })
    }
  }

  private func recommend(_ number: UInt64) throws -> [UInt8] {
    try DaemonConnection.encoded { (arena, request: inout Cowbird__V1__RecommendRequest) in
      request.user = arena.text(user(number))
      request.k = k
    }
  }
}

/// When to send: by the monotonic clock.
struct LoadSchedule: Sendable {
  let beginNanos: UInt64
  /// What is due before warms up.
  let measureNanos: UInt64
  let endNanos: UInt64
  /// Between the requests of one connection; 0: closed loop.
  let intervalNanos: Double
}
