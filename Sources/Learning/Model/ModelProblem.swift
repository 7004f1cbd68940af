// Whether a model can be made of a configuration, asked before one is made.

package import Configuration
internal import Features
internal import Models
internal import Retrieval

extension Model {
  /// Why none can be made; nil: one can. Makes no tables.
  package static func problem(of configuration: Configuration) -> ConfigurationProblem? {
    do throws(EnsemblePlanError) {
      _ = try EnsemblePlan(FeaturePlan(configuration))
    } catch {
      return ConfigurationProblem(path: error.path, message: error.reason)
    }
    do throws(RetrievalPlanError) {
      _ = try RetrievalPlan(model: configuration)
    } catch {
      return ConfigurationProblem(path: error.path, message: error.reason)
    }
    return nil
  }
}
