// What an ensemble is made of, decided once: templates and dense entries by place, the objective, the members and
// what each learns from. Shared by all copies of the ensemble.

package import Configuration
package import Tables

/// A template of sparse features, with its hyper-parameters.
package struct Template: Equatable, Sendable {
  package var name: String
  package var isLinear = true
  /// Prior variance of its weights.
  package var variance: Float = 0.1
  /// Variance that an example adds.
  package var drift: Float = 0
  /// Its side of the bilinear term.
  package var factor = FactorSide.none
  package var factorVariance: Float = 0.1
  package var factorInit: Float = 0.05

  package init(
    _ name: String, isLinear: Bool = true, variance: Float = 0.1, drift: Float = 0,
    factor: FactorSide = .none, factorVariance: Float = 0.1, factorInit: Float = 0.05
  ) {
    self.name = name
    self.isLinear = isLinear
    self.variance = variance
    self.drift = drift
    self.factor = factor
    self.factorVariance = factorVariance
    self.factorInit = factorInit
  }
}

/// Where a member stands.
struct MemberPlace: Equatable, Sendable {
  var kind: MemberKind
  /// Place among the members of its kind's array.
  var index: Int
  /// Place in `members` of the one whose error it learns; -1: the label.
  var base: Int

  /// Kinds that share an array: a bias is a joint model with neither dense block nor vectors, matrix factorisation
  /// a factorisation machine over two ids.
  var family: MemberKind { Self.family(kind) }

  /// It learns what is left of the target as a number; others learn z with the base's as offset.
  var learnsResiduals: Bool {
    switch kind {
    case .neighbours, .pooled: true
    case .bias, .linear, .fm, .mf, .joint, .mlp: false
    }
  }

  static func family(_ kind: MemberKind) -> MemberKind {
    switch kind {
    case .bias: .joint
    case .mf: .fm
    default: kind
    }
  }
}

package struct EnsemblePlanError: Error, Equatable, CustomStringConvertible {
  /// Of the setting that is wrong.
  package let path: String
  package let reason: String

  package var description: String { "\(path): \(reason)" }
}

package final class EnsemblePlan: Sendable {
  package let templates: [Template]
  /// The first is the constant.
  package let denseNames: [String]
  package let objective: Objective
  package let members: [MemberSection]
  package let stack: StackSection
  /// Of every table of weights.
  package let bounds: TableBounds
  let order: [MemberPlace]

  /// - Throws: what is wrong with the members.
  package init(
    templates: [Template], denseNames: [String], objective: Objective, members: [MemberSection],
    stack: StackSection = StackSection(), bounds: TableBounds = TableBounds()
  ) throws(EnsemblePlanError) {
    self.templates = templates
    self.denseNames = denseNames
    self.objective = objective
    self.members = members
    self.stack = stack
    self.bounds = bounds
    guard !members.isEmpty else {
      throw EnsemblePlanError(
        path: "model.members", reason: "none takes part; name at least one, such as linear: {kind: linear}")
    }
    var order: [MemberPlace] = []
    for (place, member) in members.enumerated() {
      var base = -1
      if !member.residualOf.isEmpty {
        guard let found = members.firstIndex(where: { $0.name == member.residualOf }), found < place else {
          throw EnsemblePlanError(
            path: "model.members.\(member.name).residual_of",
            reason: "\"\(member.residualOf)\" is no member before it")
        }
        base = found
      }
      if member.kind == .mlp, member.optimizer == .ftrl {
        throw EnsemblePlanError(
          path: "model.members.\(member.name).optimizer",
          reason: "ftrl begins at 0, where a perceptron cannot; allowed here: adagrad, adam, sgd")
      }
      let index = order.count { $0.family == MemberPlace.family(member.kind) }
      order.append(MemberPlace(kind: member.kind, index: index, base: base))
    }
    self.order = order
  }
}
