// What a sample of users would see of each model: the ten best of the catalogue by score alone.

internal import Features
internal import Learning
internal import Models
internal import Primitives
internal import Tables

struct TopComparison {
  struct Change {
    var user: String
    /// Best first.
    var a: [String]
    var b: [String]
  }

  /// Items that are scored for each user: of a larger catalogue, every n-th.
  private static let itemLimit = 20_000
  private static let depth = 10

  private let a: Model
  private let b: Model

  init(_ a: Model, _ b: Model) {
    self.a = a
    self.b = b
  }

  /// The same users each time: those with the smallest hashes.
  func changes(users count: Int) -> [Change] {
    guard count > 0 else { return [] }
    var users: [(hash: UInt64, name: String)] = []
    b.features.users.forEach { _, name in
      users.append((FeatureState.userKey(name), String(decoding: name, as: UTF8.self)))
    }
    users.sort { $0.hash < $1.hash }
    var items: [(key: UInt64, name: String)] = []
    b.features.items.forEach { _, name in
      items.append((FeatureState.itemKey(name), String(decoding: name, as: UTF8.self)))
    }
    let step = max(1, (items.count + Self.itemLimit - 1) / Self.itemLimit)
    let sample = stride(from: 0, to: items.count, by: step).map { items[$0] }
    let workspace = Workspace(b.plan, b.ensemble)
    return users.prefix(count).map { user in
      Change(
        user: user.name, a: best(a, user.hash, sample, workspace), b: best(b, user.hash, sample, workspace))
    }
  }

  private func best(
    _ model: Model, _ userKey: UInt64, _ items: [(key: UInt64, name: String)], _ workspace: Workspace
  ) -> [String] {
    workspace.example.resetBuffers()
    model.beginRequest(userKey: userKey, timeNanos: model.counters.eventTimeNanos, in: workspace)
    var scored: [(score: Float, place: Int)] = []
    scored.reserveCapacity(items.count)
    for (place, item) in items.enumerated() {
      scored.append((model.score(itemKey: item.key, in: workspace).value, place))
    }
    scored.sort { ($1.score, $0.place) < ($0.score, $1.place) }
    return scored.prefix(Self.depth).map { items[$0.place].name }
  }
}
