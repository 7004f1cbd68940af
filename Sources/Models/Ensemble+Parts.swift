// The tables of an ensemble by name, in one fixed order, and what is done with all of them alike: memory, rows,
// digest, expiry, copies for reading.

package import Configuration
package import Primitives
package import Tables

extension Ensemble {
  /// Calls `body` with each table, in order.
  package func forEachTable(_ body: (_ name: String, PagedTable) throws -> Void) rethrows {
    try body("counts", counts)
    for (place, member) in plan.order.enumerated() {
      let name = plan.members[place].name
      switch member.kind {
      case .joint, .bias:
        try body(name + ".sparse", joints[member.index].sparse)
        try body(name + ".factors", joints[member.index].factors)
      case .linear: try body(name + ".sparse", linears[member.index].sparse)
      case .fm, .mf: try body(name + ".rows", machines[member.index].rows)
      case .mlp: break
      case .neighbours: try body(name + ".histories", neighbours[member.index].histories.table)
      case .pooled:
        try body(name + ".histories", pooled[member.index].histories.table)
        try body(name + ".vectors", pooled[member.index].vectors)
      }
    }
  }

  /// The same, to change them.
  mutating func withEachTable(_ body: (_ name: String, inout PagedTable) throws -> Void) rethrows {
    try body("counts", &counts)
    for (place, member) in plan.order.enumerated() {
      let name = plan.members[place].name
      switch member.kind {
      case .joint, .bias:
        try joints[member.index].withTables { sparse, factors in
          try body(name + ".sparse", &sparse)
          try body(name + ".factors", &factors)
        }
      case .linear: try linears[member.index].withTable { try body(name + ".sparse", &$0) }
      case .fm, .mf: try machines[member.index].withTable { try body(name + ".rows", &$0) }
      case .mlp: break
      case .neighbours:
        try neighbours[member.index].withHistories { try body(name + ".histories", &$0) }
      case .pooled:
        try pooled[member.index].withTables { histories, vectors in
          try body(name + ".histories", &histories)
          try body(name + ".vectors", &vectors)
        }
      }
    }
  }

  /// Tables of pairs, in order.
  func forEachPairs(_ body: (_ name: String, PagedArray<PairSlot>) throws -> Void) rethrows {
    for (place, member) in plan.order.enumerated() where member.kind == .neighbours {
      try body(plan.members[place].name + ".pairs", neighbours[member.index].pairs.slots)
    }
  }

  mutating func withEachPairs(_ body: (_ name: String, inout PagedArray<PairSlot>) throws -> Void) rethrows {
    for (place, member) in plan.order.enumerated() where member.kind == .neighbours {
      try neighbours[member.index].withPairs { try body(plan.members[place].name + ".pairs", &$0) }
    }
  }

  /// Networks, in order; the stack's is last.
  func forEachNetwork(_ body: (_ name: String, Perceptron) throws -> Void) rethrows {
    for (place, member) in plan.order.enumerated() where member.kind == .mlp {
      try body(plan.members[place].name + ".network", perceptrons[member.index].network)
    }
    if let perceptron = stack.perceptron { try body("stack.network", perceptron) }
  }

  mutating func withEachNetwork(_ body: (_ name: String, inout Perceptron) throws -> Void) rethrows {
    for (place, member) in plan.order.enumerated() where member.kind == .mlp {
      try body(plan.members[place].name + ".network", &perceptrons[member.index].network)
    }
    if stack.perceptron != nil { try body("stack.network", &stack.perceptron!) }
  }

  // MARK: All alike

  /// Rows over all tables.
  package var rowCount: Int {
    var count = 0
    forEachTable { count += $1.rowCount }
    return count
  }

  /// Rows that `limits.rows` has cost.
  package var evictions: UInt64 {
    var count: UInt64 = 0
    forEachTable { count += $1.counters.evicted }
    return count
  }

  package var memory: MemoryUse {
    var use = counts.memory
    forEachTable { name, table in if name != "counts" { use = use + table.memory } }
    forEachPairs { use = use + $1.memory }
    forEachNetwork { _, network in
      use.liveBytes += network.weights.bytes + network.state.bytes
      use.mappedBytes += network.weights.bytes + network.state.bytes
    }
    return use
  }

  /// Stands for all that was learned: equal ensembles have equal digests. O(pages changed since the last call).
  package var digest: Digest {
    var writer = ByteWriter()
    SmallState(self).encode(to: &writer)
    var digest = Digest(of: writer.bytes)
    forEachTable { digest.append($1.digest) }
    forEachPairs { digest.append($1.digest) }
    forEachNetwork {
      digest.append($1.weights.digest)
      digest.append($1.state.digest)
    }
    return digest
  }

  /// A copy for reading, without what only learning needs: the head's next writes copy less.
  package func weightsOnly() -> Ensemble {
    var copy = self
    copy.counts = counts.weightsOnly()
    copy.joints = joints.map { $0.weightsOnly() }
    copy.linears = linears.map { $0.weightsOnly() }
    copy.machines = machines.map { $0.weightsOnly() }
    copy.perceptrons = perceptrons.map { $0.weightsOnly() }
    copy.neighbours = neighbours.map { $0.weightsOnly() }
    copy.pooled = pooled.map { $0.weightsOnly() }
    copy.stack = stack.weightsOnly()
    return copy
  }

  /// Removes rows last seen before `seconds`; returns how many. Visits every row.
  @discardableResult
  package mutating func expire(olderThan seconds: UInt32) -> Int {
    var count = 0
    withEachTable { count += $1.expire(olderThan: seconds) }
    return count
  }

  /// Takes over the settings that may change while it learns: rates, penalties, noise, shrinkages, forgetting.
  /// Members are known by name; what would make another model is left as it is.
  package mutating func update(_ section: ModelSection) {
    for (place, member) in plan.order.enumerated() {
      let own = plan.members[place]
      guard let next = section.members.first(where: { $0.name == own.name && $0.kind == own.kind }) else {
        continue
      }
      switch member.kind {
      case .joint, .bias: joints[member.index].adopt(next)
      case .linear: linears[member.index].adopt(next)
      case .fm, .mf: machines[member.index].adopt(next)
      case .mlp: perceptrons[member.index].adopt(next)
      case .neighbours: neighbours[member.index].adopt(next)
      case .pooled: pooled[member.index].adopt(next)
      }
    }
    stack.adopt(section.stack)
  }
}

extension Ensemble: Equatable {
  /// Equal in all that was learned.
  package static func == (left: Ensemble, right: Ensemble) -> Bool { left.digest == right.digest }
}
