// A model's way to disk and back: its parts one after the other, as sections of pages.

internal import Configuration
package import Features
internal import Models
package import Primitives
internal import Retrieval
package import Tables

/// What stands before the pages.
package struct ModelHeader: Equatable, Sendable, ByteCodable {
  /// The only one that is read: a version of an older build is made anew from the log.
  static let format: UInt16 = 12

  /// Of all in the configuration that decides what is learned.
  package var learnedHash: UInt64
  /// The configuration in force, as YAML.
  package var configuration: String
  /// A section of impressions follows.
  var hasImpressions: Bool

  init(_ model: Model) {
    learnedHash = model.plan.configuration.learnedHash
    configuration = model.plan.configuration.rendered()
    hasImpressions = model.shown != nil
  }

  package func encode(to writer: inout ByteWriter) {
    writer.write(Self.format)
    writer.write(learnedHash)
    writer.write(configuration)
    writer.write(hasImpressions)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let format = try reader.read(UInt16.self)
    guard format <= Self.format else {
      throw .outOfBounds(what: "model format (start the newer build)", value: UInt64(format), at: 0)
    }
    guard format == Self.format else {
      throw .outOfBounds(what: "model format (of an older build)", value: UInt64(format), at: 0)
    }
    learnedHash = try reader.read()
    configuration = try reader.read()
    hasImpressions = try reader.read()
  }
}

/// The parts that are no table.
private struct SmallState: ByteCodable {
  var bytes: [UInt8]
  var quarantine: Quarantine
  var uncounted: Quarantine
  var omissions: Omissions
  var driftPlaces: DriftPlaces

  func encode(to writer: inout ByteWriter) {
    writer.write(bytes)
    writer.write(quarantine)
    writer.write(uncounted)
    writer.write(omissions)
    writer.write(driftPlaces)
  }

  init(_ model: Model) {
    var writer = ByteWriter()
    model.encodeSmallState(to: &writer)
    bytes = writer.bytes
    quarantine = model.quarantine
    uncounted = model.uncounted
    omissions = model.omissions
    driftPlaces = model.driftPlaces
  }

  init(from reader: inout ByteReader) throws(ByteCodecError) {
    bytes = try reader.read()
    quarantine = try reader.read()
    uncounted = try reader.read()
    omissions = try reader.read()
    driftPlaces = try reader.read()
  }
}

/// Why a file of pages is not a model of this daemon.
package struct ModelMismatch: Error, Equatable, CustomStringConvertible {
  package var description: String
}

extension Model {
  /// Writes all of it, or the pages that changed since `parent`.
  package func write<Sink: PageSink>(to sink: inout Sink, since parent: Model? = nil) throws {
    try sink.write(name: "model.header", ModelHeader(self))
    try features.write(to: &sink, since: parent?.features)
    try ensemble.write(to: &sink, since: parent?.ensemble)
    try retrieval?.write(to: &sink, name: "retrieval", since: parent?.retrieval)
    try pending?.write(to: &sink, name: "pending", since: parent?.pending)
    try shown?.write(to: &sink, name: "impressions", since: parent?.shown)
    try sink.write(name: "model.state", SmallState(self))
  }

  /// Reads what `write` wrote: whole, or a chain of changes as one (`PageLayers`).
  /// - Throws: `ModelMismatch` for a model of another configuration, `PageStreamError` for damage.
  package init<Source: PageSource>(_ plan: FeaturePlan, from source: inout Source) throws {
    try self.init(plan)
    let header: ModelHeader = try source.read(name: "model.header")
    try Self.check(header, plan)
    features = try FeatureState(plan, from: &source)
    ensemble = try Ensemble(ensemble.plan, from: &source)
    if let plan = retrieval?.plan { retrieval = try RetrievalState(plan, from: &source, name: "retrieval") }
    try pending?.apply(from: &source, name: "pending")
    if header.hasImpressions { shown = emptyShown }
    try shown?.apply(from: &source, name: "impressions")
    try readSmallState(from: &source)
  }

  private mutating func readSmallState<Source: PageSource>(from source: inout Source) throws {
    let state = try source.read(name: "model.state", SmallState.self)
    var reader = ByteReader(state.bytes)
    try decodeSmallState(from: &reader)
    quarantine = state.quarantine
    uncounted = state.uncounted
    omissions = state.omissions
    driftPlaces = state.driftPlaces
  }

  private static func check(_ header: ModelHeader, _ plan: FeaturePlan) throws {
    guard header.learnedHash == plan.configuration.learnedHash else {
      let mismatch = ConfigurationMismatch(
        from: try? Configuration(yaml: header.configuration), to: plan.configuration)
      throw ModelMismatch(
        description:
          "it was made with another configuration (hash \(String(header.learnedHash, radix: 16)), here "
          + String(plan.configuration.learnedHash, radix: 16) + ")"
          + (mismatch.summary.map { "; different here: \($0)" } ?? "")
          + "; start with that one, or with an empty data directory")
    }
  }
}
