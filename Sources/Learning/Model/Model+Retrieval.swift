// What retrieval is told of events: who did what with which item, and what items are.

package import Configuration
internal import Features
internal import Models
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
  /// What retrieval is told of the interaction that the workspace's example was made of; nil: it is none of its
  /// business.
  private func retrievalEvent(_ workspace: Workspace) -> RetrievalEvent? {
    let example = workspace.example
    guard retrieval != nil, example.type >= 0, example.itemKey != 0,
      workspace.types[example.type].isInteraction
    else { return nil }
    return RetrievalEvent(
      user: example.userKey == 0 ? nil : example.userKey, item: example.itemKey,
      nanos: example.timeNanos, segments: example.segments,
      retrievers: workspace.types[example.type].retrievers)
  }

  /// Test, then learn: ranks the interaction's item among all, where it is its turn.
  mutating func judgeRanking(_ event: EventView, _ workspace: Workspace) {
    guard ranking != nil, let interaction = retrievalEvent(workspace),
      retrieval?.isTest(interaction, every: plan.configuration.retrieval.judgeEvery) == true
    else { return }
    guard let ranker = workspace.ranking else {
      retrieval?.judge(interaction, into: &ranking!, workspace.retrieval)
      return
    }
    begin(event, ranker, workspace)
    let (model, scratch) = (self, workspace.scratch)
    model.retrieval?.judge(interaction, into: &ranking!, workspace.retrieval) { keys, scores in
      model.score(keys, into: scores, ranker.example, ranker.batch, scratch)
    }
  }

  /// Begins the ranking model's scores of items for the event's user.
  private func begin(_ event: EventView, _ ranker: ItemRanking, _ workspace: Workspace) {
    ranker.example.resetBuffers()
    for attribute in event.attributes { ranker.example.addContext(attribute) }
    features.beginRequest(
      userKey: workspace.example.userKey, timeNanos: workspace.example.timeNanos, into: ranker.example)
  }

  /// Scores the items that the blend will tell the event's from, if it takes the ranking model's scores in: by the
  /// model as it is before the event.
  mutating func rankForBlend(_ event: EventView, _ workspace: Workspace) {
    workspace.ranks.removeAll(keepingCapacity: true)
    guard let ranking = workspace.ranking, let interaction = retrievalEvent(workspace) else { return }
    guard let keys = retrieval?.itemsToRank(interaction, workspace.retrieval), !keys.isEmpty else { return }
    begin(event, ranking, workspace)
    workspace.ranks.append(contentsOf: repeatElement(0, count: keys.count))
    keys.withUnsafeBufferPointer { keys in
      workspace.ranks.withUnsafeMutableBufferPointer {
        score(keys, into: $0, ranking.example, ranking.batch, workspace.scratch)
      }
    }
  }

  /// Learns the interaction that the workspace's example was made of.
  mutating func learnRetrieval(_ workspace: Workspace) {
    guard workspace.example.itemOrdinal != nil, let event = retrievalEvent(workspace) else { return }
    let ahead = workspace.ahead
    retrieval?.expect(ahead.interaction(1), ahead.interaction(2), ahead.interaction(3))
    guard !workspace.ranks.isEmpty else {
      retrieval?.learn(event, workspace.retrieval)
      return
    }
    let ranks = workspace.ranks
    retrieval?.learn(event, workspace.retrieval) { keys, scores in
      guard keys.count == ranks.count else { return }
      for place in ranks.indices { scores[place] = ranks[place] }
    }
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
