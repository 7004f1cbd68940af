package import Tables
package import Primitives
package import Configuration
extension Ensemble {
  package var memory: MemoryUse { counts.memory }
  package var rowCount: Int { counts.rowCount }
  package var digest: Digest { counts.digest }
  package func weightsOnly() -> Ensemble { self }
  package mutating func update(_ s: ModelSection) {}
  package func write<Sink: PageSink>(to sink: inout Sink, since parent: Ensemble? = nil) throws {}
  package init<Source: PageSource>(_ plan: EnsemblePlan, from source: inout Source) throws { self.init(plan) }
  package mutating func apply<Source: PageSource>(from source: inout Source) throws {}
}
