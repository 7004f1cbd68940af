// Forgetting a user or an item at once: its own rows go, and its entries in the histories of others. Weights that
// all have had a part in stay; what they owe to the forgotten one is undone by replay alone.

internal import Configuration
internal import Tables

extension Ensemble {
  /// Removes what is kept under the user's key. Sparse features are not known by user: their keys are made
  /// elsewhere, and are no longer reached once the user's hash has changed.
  package mutating func forget(user: UInt64) { forget(user, isUser: true) }

  /// The same for an item.
  package mutating func forget(item: UInt64) { forget(item, isUser: false) }

  private mutating func forget(_ key: UInt64, isUser: Bool) {
    guard key != 0 else { return }
    counts.remove(isUser ? Self.userCountKey(key) : Self.itemCountKey(key))
    for member in plan.order {
      switch member.kind {
      case .neighbours:
        // The history's owners are the other side than the one whose neighbours vote.
        if neighbours[member.index].ownsHistories(isUser: isUser) {
          neighbours[member.index].forgetOwner(key)
        } else {
          neighbours[member.index].forgetEntries(of: key)
        }
      case .pooled:
        if isUser {
          pooled[member.index].forgetOwner(key)
        } else {
          pooled[member.index].forgetEntries(of: key)
        }
      case .mf:
        let keys = FactorisationMachine.idKeys(key, key)
        machines[member.index].withTable { _ = $0.remove(isUser ? keys.0 : keys.1) }
      case .joint, .bias, .linear, .fm, .mlp: break
      }
    }
  }
}

extension NeighbourModel {
  func ownsHistories(isUser: Bool) -> Bool { (side == .user) != isUser }
  mutating func forgetOwner(_ key: UInt64) { withHistory { $0.removeOwner(key) } }
  mutating func forgetEntries(of key: UInt64) { withHistory { $0.removeEntries(of: key) } }
}

extension PooledModel {
  mutating func forgetOwner(_ key: UInt64) { withHistory { $0.removeOwner(key) } }

  mutating func forgetEntries(of key: UInt64) {
    withHistory { $0.removeEntries(of: key) }
    withTables { _, vectors in _ = vectors.remove(key) }
  }
}

extension HistoryTable {
  mutating func removeOwner(_ owner: UInt64) {
    let chunks = Self.chunks(of: length)
    withTable { table in
      for chunk in 0..<chunks { table.remove(Self.rowKey(owner, chunk)) }
    }
  }

  /// Leaves gaps where the key's entries stood. Visits every row.
  mutating func removeEntries(of key: UInt64) {
    var places: [(RowID, Int)] = []
    table.forEachRow { id, _, _, row, _ in
      for slot in 0..<Self.chunk where Self.key(row, slot) == key { places.append((id, slot)) }
    }
    withTable { table in
      for (id, slot) in places { table.withWriter { Self.clear($0.weights(id), slot) } }
    }
  }
}
