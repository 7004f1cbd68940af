// What moved between two ensembles of one plan: for `Version.Diff`, the rows that differ and by how much.

internal import Configuration
internal import Primitives
internal import Tables

/// A row that differs.
package struct RowChange: Equatable, Sendable {
  /// Name of the table.
  package var table: String
  package var key: UInt64
  /// The row's first number (a bias, a slope); nil: the row is missing there.
  package var before: Float?
  package var after: Float?
  /// Euclidean distance of the rows; a missing one counts as zeroes.
  package var distance: Float
}

/// Sizes of what moved in one table.
package struct TableChange: Equatable, Sendable {
  package var table: String
  package var rowsBefore: Int
  package var rowsAfter: Int
  package var rowsChanged: Int
  package var distance: Double
}

extension Ensemble {
  /// Tables whose rows are weights, with their names; histories and counts are not.
  private var weightTables: [(String, PagedTable)] {
    var tables: [(String, PagedTable)] = []
    forEachTable { name, table in
      if name != "counts" && !name.hasSuffix(".histories") { tables.append((name, table)) }
    }
    return tables
  }

  /// The `limit` rows that moved most from `former` to this one, largest first (ties by key), and each table's
  /// sums. Visits every row of both.
  package func changes(
    since former: Ensemble, limit: Int
  ) -> (rows: [RowChange], tables: [TableChange]) {
    var rows: [RowChange] = []
    var tables: [TableChange] = []
    let formerTables = former.weightTables
    for (name, table) in weightTables {
      guard let (_, before) = formerTables.first(where: { $0.0 == name }) else { continue }
      var summary = TableChange(
        table: name, rowsBefore: before.rowCount, rowsAfter: table.rowCount, rowsChanged: 0, distance: 0)
      func note(_ key: UInt64, _ old: UnsafePointer<Float>?, _ new: UnsafePointer<Float>?) {
        var squares = 0.0
        for place in 0..<table.layout.weights {
          let difference = Double(new?[place] ?? 0) - Double(old?[place] ?? 0)
          squares += difference * difference
        }
        guard squares > 0 || (old == nil) != (new == nil) else { return }
        summary.rowsChanged += 1
        summary.distance += squares
        guard limit > 0 else { return }
        rows.append(
          RowChange(
            table: name, key: key, before: old?[0], after: new?[0], distance: Float(squares.squareRoot())))
        // Twice the limit at most is held.
        if rows.count >= 2 * limit + 1024 { Self.keepLargest(limit, &rows) }
      }
      before.withReader { old in
        table.forEachRow { _, key, _, weights, _ in note(key, old.find(key), weights) }
      }
      table.withReader { new in
        before.forEachRow { _, key, _, weights, _ in
          if new.find(key) == nil { note(key, weights, nil) }
        }
      }
      summary.distance = summary.distance.squareRoot()
      tables.append(summary)
    }
    Self.keepLargest(limit, &rows)
    return (rows, tables)
  }

  private static func keepLargest(_ limit: Int, _ rows: inout [RowChange]) {
    rows.sort {
      if $0.distance != $1.distance { return $0.distance > $1.distance }
      return $0.table != $1.table ? $0.table < $1.table : $0.key < $1.key
    }
    if rows.count > limit { rows.removeLast(rows.count - limit) }
  }
}

/// A weight of the dense block that differs: of the constant, or of a number such as a rate or a recency.
package struct DenseChange: Equatable, Sendable {
  /// Member and number.
  package var name: String
  package var before: Float
  package var after: Float
}

extension Ensemble {
  /// The weights of the dense block that differ, in the members' order.
  package func denseChanges(since former: Ensemble) -> [DenseChange] {
    var changes: [DenseChange] = []
    for (place, member) in plan.order.enumerated() {
      let (before, after) = (former.denseWeights(of: member), denseWeights(of: member))
      for (index, pair) in zip(before, after).enumerated() where pair.0 != pair.1 {
        let number = plan.denseNames.indices.contains(index) ? plan.denseNames[index] : "\(index)"
        changes.append(
          DenseChange(name: "\(plan.members[place].name) \(number)", before: pair.0, after: pair.1))
      }
    }
    return changes
  }

  private func denseWeights(of member: MemberPlace) -> [Float] {
    switch member.kind {
    case .joint, .bias: joints[member.index].denseWeights.map { Float($0) }
    case .linear: linears[member.index].dense.weights
    case .fm, .mf: machines[member.index].dense.weights
    case .mlp, .neighbours, .pooled: []
    }
  }
}

extension Ensemble {
  // MARK: Warm start

  /// Takes over what `other` learned wherever a member of the same name and kind has tables of the same shape:
  /// tables, dense weights, networks, the label's mean; the stack where its inputs are the same. Features are the
  /// same where their keys are. Returns the names of what was taken over.
  @discardableResult
  package mutating func warmStart(from other: Ensemble) -> [String] {
    var taken: [String] = ["prior"]
    prior = other.prior
    examples = other.examples
    var tables: [String: PagedTable] = [:]
    other.forEachTable { tables[$0] = $1 }
    withEachTable { name, table in
      guard let source = tables[name], source.layout == table.layout, !source.isWeightsOnly else { return }
      let bounds = table.bounds
      table = source
      if table.bounds.admissionCount == bounds.admissionCount { table.bounds = bounds }
      taken.append(name)
    }
    var pairs: [String: PagedArray<PairSlot>] = [:]
    other.forEachPairs { pairs[$0] = $1 }
    withEachPairs { name, slots in
      guard let source = pairs[name], source.count == slots.count else { return }
      slots = source
      taken.append(name)
    }
    var networks: [String: Perceptron] = [:]
    other.forEachNetwork { networks[$0] = $1 }
    withEachNetwork { name, network in
      guard let source = networks[name], source.sizes == network.sizes, source.state.count > 0 else { return }
      network.weights = source.weights
      network.state = source.state
      network.steps = source.steps
      network.gathered = min(source.gathered, network.batch - 1)
      taken.append(name)
    }
    let hasSameDense = plan.denseNames == other.plan.denseNames
    for (place, member) in plan.order.enumerated() {
      guard let match = other.plan.members.firstIndex(where: { $0.name == plan.members[place].name }) else {
        continue
      }
      let source = other.plan.order[match]
      guard source.kind == member.kind else { continue }
      switch member.kind {
      case .joint, .bias:
        let model = other.joints[source.index]
        let isBias = member.kind == .bias
        guard hasSameDense || isBias, model.covariance.fits(joints[member.index].denseWeights.count) else {
          continue
        }
        joints[member.index].restoreDense(model.denseWeights, model.covariance)
      case .linear:
        let model = other.linears[source.index]
        guard hasSameDense, model.dense.fits(plan.denseNames.count) else { continue }
        linears[member.index].restore(model.dense, steps: model.steps)
      case .fm, .mf:
        let model = other.machines[source.index]
        guard hasSameDense, model.dense.fits(plan.denseNames.count) else { continue }
        machines[member.index].restore(model.dense, steps: model.steps)
      case .mlp: perceptrons[member.index].steps = other.perceptrons[source.index].steps
      case .neighbours, .pooled: break
      }
    }
    if stack.inputs == other.stack.inputs, other.stack.covariance.fits(stack.weights.count) {
      stack.restore(other.stack.weights, other.stack.covariance)
      taken.append("stack")
    }
    return taken
  }
}
