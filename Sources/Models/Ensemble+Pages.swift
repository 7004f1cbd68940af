// An ensemble's way to disk and back: small numbers first, then every table, whole or as the pages that changed
// since a parent.

internal import Configuration
internal import Primitives
package import Tables

/// Why pages cannot be read into an ensemble.
package struct EnsembleMismatch: Error, Equatable, CustomStringConvertible {
  package var description: String
}

extension EnsemblePlan {
  /// Of what decides the tables' shapes and the keys' meaning: pages of another plan cannot be read.
  var fingerprint: UInt64 {
    var writer = ByteWriter()
    writer.write(objective.isLogistic)
    writer.write(objective.minimum)
    writer.write(objective.maximum)
    for template in templates {
      writer.write(template.name)
      writer.write(template.isLinear)
      writer.write(template.factor.rawValue)
    }
    for name in denseNames { writer.write(name) }
    for member in members {
      writer.write(member.name)
      writer.write(member.kind.rawValue)
      writer.write(member.residualOf)
      for number in [member.factors, member.seed, member.length, member.pairs] + member.hidden {
        writer.write(Int64(number))
      }
      writer.write(member.isFieldAware)
      writer.write(member.optimizer.rawValue)
      writer.write(member.of.rawValue)
    }
    writer.write(stack.combination.rawValue)
    for width in stack.hidden { writer.write(Int64(width)) }
    return writer.bytes.withUnsafeBytes { StableHash.of($0) }
  }
}

/// What is learned beside the tables.
struct SmallState: ByteCodable {
  static let format: UInt16 = 1

  var fingerprint: UInt64
  var prior: LabelPrior
  var examples: UInt64
  var joints: [([Double], Covariance)]
  var dense: [(DenseLinear, UInt64)]
  var networks: [(UInt64, UInt64)]
  var memberSteps: [UInt64]
  var stackWeights: [Double]
  var stackCovariance: Covariance

  init(_ ensemble: Ensemble) {
    fingerprint = ensemble.plan.fingerprint
    prior = ensemble.prior
    examples = ensemble.examples
    joints = ensemble.joints.map { ($0.denseWeights, $0.covariance) }
    dense = ensemble.linears.map { ($0.dense, $0.steps) } + ensemble.machines.map { ($0.dense, $0.steps) }
    var networks: [(UInt64, UInt64)] = []
    ensemble.forEachNetwork { networks.append((UInt64($1.gathered), $1.steps)) }
    self.networks = networks
    memberSteps = ensemble.perceptrons.map(\.steps)
    stackWeights = ensemble.stack.weights
    stackCovariance = ensemble.stack.covariance
  }

  func encode(to writer: inout ByteWriter) {
    writer.write(Self.format)
    writer.write(fingerprint)
    writer.write(prior)
    writer.write(examples)
    writer.write(joints) { writer, joint in
      writer.write(joint.0) { $0.write($1) }
      writer.write(joint.1)
    }
    writer.write(dense) { writer, dense in
      writer.write(dense.0)
      writer.write(dense.1)
    }
    writer.write(networks) { writer, network in
      writer.write(network.0)
      writer.write(network.1)
    }
    writer.write(memberSteps) { $0.write($1) }
    writer.write(stackWeights) { $0.write($1) }
    writer.write(stackCovariance)
  }

  init(from reader: inout ByteReader) throws(ByteCodecError) {
    let format = try reader.read(UInt16.self)
    guard format == Self.format else {
      throw .outOfBounds(what: "ensemble format (start the newer build)", value: UInt64(format), at: 0)
    }
    fingerprint = try reader.read()
    prior = try reader.read()
    examples = try reader.read()
    joints = try reader.readArray(limit: 64) { reader throws(ByteCodecError) in
      (
        try reader.readArray(limit: 1 << 20) { reader throws(ByteCodecError) in try reader.read() },
        try reader.read()
      )
    }
    dense = try reader.readArray(limit: 64) { reader throws(ByteCodecError) in
      (try reader.read(), try reader.read())
    }
    networks = try reader.readArray(limit: 64) { reader throws(ByteCodecError) in
      (try reader.read(), try reader.read())
    }
    memberSteps = try reader.readArray(limit: 64) { reader throws(ByteCodecError) in try reader.read() }
    stackWeights = try reader.readArray(limit: 1 << 16) { reader throws(ByteCodecError) in
      try reader.read()
    }
    stackCovariance = try reader.read()
  }
}

extension Ensemble {
  /// Writes all of it, or what changed since `parent`: an older copy of it.
  package func write<Sink: PageSink>(to sink: inout Sink, since parent: Ensemble? = nil) throws {
    try sink.write(name: "ensemble", SmallState(self))
    var former: [String: PagedTable] = [:]
    parent?.forEachTable { former[$0] = $1 }
    try forEachTable { name, table in
      if let parent = former[name] {
        try table.write(to: &sink, name: name, since: parent)
      } else {
        try table.write(to: &sink, name: name)
      }
    }
    var formerPairs: [String: PagedArray<PairSlot>] = [:]
    parent?.forEachPairs { formerPairs[$0] = $1 }
    try forEachPairs { name, pairs in
      if let parent = formerPairs[name] {
        try pairs.write(to: &sink, name: name, since: parent)
      } else {
        try pairs.write(to: &sink, name: name)
      }
    }
    // Small, and changed by every step: whole.
    try forEachNetwork { name, network in
      try network.weights.write(to: &sink, name: name)
      try network.state.write(to: &sink, name: name + ".state")
    }
  }

  /// Reads what `write` wrote, whole.
  /// - Throws: `EnsembleMismatch` for pages of another plan, `PageStreamError` for damage.
  package init<Source: PageSource>(_ plan: EnsemblePlan, from source: inout Source) throws {
    self.init(plan)
    try restore(source.read(name: "ensemble", SmallState.self))
    try withEachTable { name, table in
      let read = try PagedTable(from: &source, name: name)
      guard read.layout == table.layout else {
        throw EnsembleMismatch(description: "table \(name) has rows of another shape")
      }
      table = read
    }
    try withEachPairs { name, pairs in
      let read = try PagedArray<PairSlot>(
        from: &source, name: name, repeating: PairSlot(), pageBytes: PairTable.streamPageBytes)
      guard read.count == pairs.count else {
        throw EnsembleMismatch(description: "\(name) has \(read.count) slots, not \(pairs.count)")
      }
      pairs = read
    }
    try withEachNetwork { name, network in
      let weights = try DenseArray(from: &source, name: name)
      let state = try DenseArray(from: &source, name: name + ".state")
      guard weights.count == network.weights.count, state.count == 3 * weights.count else {
        throw EnsembleMismatch(description: "\(name) has layers of another shape")
      }
      network.weights = weights
      network.state = state
    }
  }

  private mutating func restore(_ state: SmallState) throws {
    guard state.fingerprint == plan.fingerprint else {
      throw EnsembleMismatch(description: "the pages are of an ensemble with other members or features")
    }
    var networks = 0
    forEachNetwork { _, _ in networks += 1 }
    guard state.joints.count == joints.count, state.dense.count == linears.count + machines.count,
      state.networks.count == networks, state.memberSteps.count == perceptrons.count,
      state.stackWeights.count == stack.weights.count,
      state.stackCovariance.fits(stack.weights.count),
      zip(state.joints, joints).allSatisfy({
        $0.0.count == $1.denseWeights.count && $0.1.fits($1.denseWeights.count)
      }),
      state.dense.allSatisfy({ $0.0.fits(plan.denseNames.count) })
    else { throw EnsembleMismatch(description: "the small state is of another shape") }
    prior = state.prior
    examples = state.examples
    for (place, joint) in state.joints.enumerated() { joints[place].restoreDense(joint.0, joint.1) }
    for (place, dense) in state.dense.enumerated() {
      if place < linears.count {
        linears[place].restore(dense.0, steps: dense.1)
      } else {
        machines[place - linears.count].restore(dense.0, steps: dense.1)
      }
    }
    var place = 0
    withEachNetwork { _, network in
      network.gathered = Int(clamping: state.networks[place].0)
      network.steps = state.networks[place].1
      place += 1
    }
    for (place, steps) in state.memberSteps.enumerated() { perceptrons[place].steps = steps }
    stack.restore(state.stackWeights, state.stackCovariance)
  }
}
