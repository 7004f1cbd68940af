// What retrieval is told of events: who did what with which item, and what items are.

package import Configuration
internal import Features
internal import Primitives
package import Retrieval
internal import Tables
internal import Wire

extension RetrievalPlan {
  /// The plan of a configuration; nil when no retriever is on.
  package init?(model configuration: Configuration) throws(RetrievalPlanError) {
    let section = configuration.retrieval
    guard section.retrievers.contains(where: \.isOn) else { return nil }
    var bounds = RetrievalBounds()
    bounds.users = min(bounds.users, configuration.limits.users)
    bounds.items = min(bounds.items, configuration.limits.items)
    let vector = configuration.entities.item.first {
      $0.type == .vector && section.likeness(includes: $0.name)
    }
    try self.init(section, vectorDimension: vector?.dimension ?? 0, bounds: bounds)
  }
}

extension RetrievalSection {
  /// Whether likeness is made of this attribute of items.
  fileprivate func likeness(includes name: String) -> Bool {
    guard let content = retrievers.first(where: { $0.isOn && $0.kind == .content }) else { return true }
    return content.attributes.isEmpty || content.attributes.contains(name)
  }
}

extension RetrieverSet {
  /// The retrievers that learn from events of `type`.
  init(_ configuration: Configuration, type: String) {
    var set: RetrieverSet = []
    for retriever in configuration.retrieval.retrievers where retriever.isOn {
      guard retriever.types.isEmpty || retriever.types.contains(type) else { continue }
      switch retriever.kind {
      case .neighbours: set.insert(.neighbours)
      case .popularity: set.insert(retriever.segment.isEmpty ? .popularity : .segments)
      case .factors: set.insert(.factors)
      case .content: set.insert(.content)
      }
    }
    self = set
  }
}

extension Model {
  /// Learns the interaction that the workspace's example was made of.
  mutating func learnRetrieval(_ workspace: Workspace) {
    let example = workspace.example
    guard retrieval != nil, example.type >= 0, example.itemKey != 0, example.itemOrdinal != nil,
      workspace.types[example.type].isInteraction
    else { return }
    retrieval?.learn(
      RetrievalEvent(
        user: example.userKey == 0 ? nil : example.userKey, item: example.itemKey,
        nanos: example.timeNanos, segments: example.segments,
        retrievers: workspace.types[example.type].retrievers),
      workspace.retrieval)
  }

  /// Tells retrieval of a changed entity.
  mutating func describe(_ event: EventView) {
    guard retrieval != nil else { return }
    let isUser = event.entityKind == .user
    let key = isUser ? plan.userKey(event.entityID) : plan.itemKey(event.entityID)
    if event.action == .delete {
      _ = isUser ? retrieval?.remove(user: key) : retrieval?.remove(item: key)
      return
    }
    guard !isUser, features.itemOrdinal(key) != nil else { return }
    var values: [UInt64] = []
    var vector: [Float]?
    let section = plan.configuration.retrieval
    for (place, attribute) in plan.configuration.entities.item.enumerated()
    where section.likeness(includes: attribute.name) {
      switch attribute.type {
      case .category, .categories:
        let name = StableHash.of(attribute.name)
        values += features.itemCategories(key, attribute: place).map { StableHash.combine(name, $0) }
      case .vector where vector == nil:
        let numbers = features.itemVector(key, attribute: place)
        if numbers.count == attribute.dimension { vector = numbers }
      case .number, .text, .vector: break
      }
    }
    if let vector {
      _ = vector.withUnsafeBufferPointer { retrieval?.describe(item: key, attributes: values, vector: $0) }
    } else {
      retrieval?.describe(item: key, attributes: values)
    }
  }
}
