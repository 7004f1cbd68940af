// What a Recommend request asks for, checked.

internal import CMessages
internal import Configuration
internal import Features
internal import Primitives
internal import Retrieval
internal import Wire

struct RecommendOrder: Sendable {
  var count: Int
  var filter: ItemFilter?
  var excluded: Set<UInt64>
  var seen: SeenDefault
  var limits: [(name: [UInt8], limit: Int)]
  var diversity: Float
  var boosts: [Boost] = []
  var exploration = Exploration.none
  /// What draws are counted from: the same request is answered the same.
  var seed: UInt64
  /// Best by the blend that rules choose from.
  var candidates: Int
  /// The answer is logged as impressions.
  var logsImpressions: Bool

  /// - Parameter bytes: of the request.
  /// - Throws: INVALID_ARGUMENT that names the field, or FAILED_PRECONDITION for what the configuration does not have.
  init(
    _ message: UnsafePointer<Cowbird__V1__RecommendRequest>, _ bytes: UnsafeRawBufferPointer,
    _ plan: FeaturePlan,
    _ bounds: RequestLimits
  ) throws(Status) {
    let request = message.pointee
    let configuration = plan.configuration
    guard (1...1_000).contains(request.k) else {
      throw Status(.invalidArgument, "RecommendRequest.k: \(request.k); 1 to 1000 are allowed")
    }
    count = Int(request.k)
    guard request.n_exclude <= 10_000 else {
      throw Status(
        .invalidArgument, "RecommendRequest.exclude: \(request.n_exclude) items; at most 10000 are allowed")
    }
    excluded = []
    for index in 0..<request.n_exclude {
      excluded.insert(plan.itemKey(String(cString: request.exclude[index]!)))
    }
    switch request.seen {
    case COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_UNSPECIFIED: seen = bounds.seen
    case COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_EXCLUDE: seen = .exclude
    case COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_INCLUDE: seen = .include
    case COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_ONLY: seen = .only
    default:
      throw Status(.invalidArgument, "RecommendRequest.seen: \(request.seen.rawValue); 0 to 3 are allowed")
    }
    var reader = ItemFilterReader(configuration.entities.item)
    if let filter = request.filter { self.filter = try reader.read(filter) }
    guard request.n_limits <= 16 else {
      throw Status(.invalidArgument, "RecommendRequest.limits: \(request.n_limits); at most 16 are allowed")
    }
    limits = []
    for index in 0..<request.n_limits {
      let limit = request.limits[index]!.pointee
      guard limit.limit >= 1 else {
        throw Status(.invalidArgument, "RecommendRequest.limits[\(index)].limit: 0; at least 1 is allowed")
      }
      let name = try reader.name(
        limit.attribute, "limits[\(index)].attribute", of: [.category, .categories, .number], "a limit counts"
      )
      limits.append((name, Int(limit.limit)))
    }
    guard request.diversity >= 0, request.diversity <= 1 else {
      throw Status(
        .invalidArgument, "RecommendRequest.diversity: \(request.diversity); 0 to 1 are allowed")
    }
    diversity = request.diversity
    candidates = bounds.retrieved
    seed = request.exploration?.pointee.seed ?? 0
    if seed == 0 { seed = Digest(of: bytes).low }
    if let exploration = request.exploration { self.exploration = try Self.exploration(exploration.pointee) }
    if request.n_boosts > 0 { boosts = try Self.boosts(request, configuration.entities.item) }
    logsImpressions = request.log_impressions != 0
    guard !logsImpressions || configuration.retrieval.impressions > 0 else {
      throw Status(
        .failedPrecondition,
        "RecommendRequest.log_impressions: the configuration remembers no impressions (retrieval.impressions: 0)"
      )
    }
    try requireRetrievers(request, plan)
  }

  private static func exploration(_ message: Cowbird__V1__Exploration) throws(Status) -> Exploration {
    switch message.kind {
    case COWBIRD__V1__EXPLORATION__KIND__KIND_UNSPECIFIED, COWBIRD__V1__EXPLORATION__KIND__KIND_NONE:
      return .none
    case COWBIRD__V1__EXPLORATION__KIND__KIND_EPSILON:
      guard message.epsilon >= 0, message.epsilon <= 1 else {
        throw Status(
          .invalidArgument, "RecommendRequest.exploration.epsilon: \(message.epsilon); 0 to 1 are allowed")
      }
      return .epsilon(Double(message.epsilon))
    case COWBIRD__V1__EXPLORATION__KIND__KIND_THOMPSON: return .thompson(1)
    default:
      throw Status(
        .invalidArgument, "RecommendRequest.exploration.kind: \(message.kind.rawValue); 0 to 3 are allowed")
    }
  }

  private static func boosts(
    _ request: Cowbird__V1__RecommendRequest, _ attributes: [AttributeSection]
  ) throws(Status) -> [Boost] {
    let fields = attributes.map { BoostField(name: $0.name, kind: BoostField.Kind($0.type)) }
    guard request.n_boosts <= 16 else {
      throw Status(.invalidArgument, "RecommendRequest.boosts: \(request.n_boosts); at most 16 are allowed")
    }
    var boosts: [Boost] = []
    for index in 0..<request.n_boosts {
      do throws(BoostError) {
        boosts.append(try Boost(String(cString: request.boosts[index]!.pointee.expression), fields: fields))
      } catch {
        throw Status(.invalidArgument, "RecommendRequest.boosts[\(index)].expression: \(error)")
      }
    }
    return boosts
  }

  /// What only retrievers can do is refused without them, never ignored.
  private func requireRetrievers(
    _ request: Cowbird__V1__RecommendRequest, _ plan: FeaturePlan
  ) throws(Status) {
    guard !plan.configuration.retrieval.retrievers.contains(where: \.isOn) else { return }
    let asksForSeen = request.seen != COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_UNSPECIFIED && seen != .include
    guard !asksForSeen || plan.remembersItems else {
      throw Status(
        .failedPrecondition,
        "RecommendRequest.seen: \(seen.rawValue), but the configuration remembers no items of a user; it does "
          + "with a retriever (retrieval.retrievers; the preset clicks has them) or a value made of the "
          + "user's last items (features.values, statistic: last)")
    }
    var wanting: [String] = []
    if diversity != 0 { wanting.append("diversity") }
    if !boosts.isEmpty { wanting.append("boosts") }
    if exploration != .none { wanting.append("exploration") }
    guard wanting.isEmpty else {
      throw Status(
        .failedPrecondition,
        "RecommendRequest.\(wanting.joined(separator: ", ")): the configuration has no retrievers "
          + "(retrieval.retrievers); the preset clicks has")
    }
  }
}

extension BoostField.Kind {
  init(_ type: AttributeType) {
    switch type {
    case .category, .categories, .text: self = .text
    case .number: self = .number
    case .vector: self = .vector
    }
  }
}
