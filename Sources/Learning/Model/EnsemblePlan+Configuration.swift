// From the configuration to members.

internal import Configuration
package import Features
package import Models
internal import Tables

extension EnsemblePlan {
  /// The members that the configuration names, over the features that it describes.
  /// - Throws: what is wrong with the members.
  package convenience init(_ plan: FeaturePlan) throws(EnsemblePlanError) {
    let configuration = plan.configuration
    let isBinary = configuration.label.minimum == 0 && configuration.label.maximum == 1
    let isLogistic = configuration.model.loss == .auto ? isBinary : configuration.model.loss == .logistic
    try self.init(
      templates: plan.slots.map { slot in
        Template(
          slot.name, isLinear: slot.isLinear, variance: slot.variance, drift: slot.drift,
          factor: slot.factor, factorVariance: slot.factorVariance, factorInit: slot.factorInit)
      },
      denseNames: plan.denseNames,
      objective: Objective(
        isLogistic: isLogistic, minimum: plan.labelMinimum, maximum: plan.labelMaximum),
      members: configuration.model.takingPart, stack: configuration.model.stack,
      bounds: TableBounds(
        maximumRows: configuration.limits.rows, admissionCount: min(configuration.limits.admission, 255)))
  }
}
