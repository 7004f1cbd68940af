// What a Recommend request asks for, checked.

internal import CMessages
internal import Configuration
internal import Features
internal import Wire

struct RecommendOrder: Sendable {
  var count: Int
  var filter: ItemFilter?
  var excluded: Set<UInt64>
  var seen: SeenDefault
  var limits: [(name: [UInt8], limit: Int)]

  /// - Throws: INVALID_ARGUMENT that names the field, or UNIMPLEMENTED for what this build does not do.
  init(
    _ message: UnsafePointer<Cowbird__V1__RecommendRequest>, _ configuration: Configuration, _ bounds: RequestLimits
  ) throws(Status) {
    let request = message.pointee
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
      excluded.insert(FeatureState.itemKey(String(cString: request.exclude[index]!)))
    }
    switch request.seen {
    case COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_UNSPECIFIED: seen = bounds.seen
    case COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_EXCLUDE: seen = .exclude
    case COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_INCLUDE: seen = .include
    case COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_ONLY: seen = .only
    default:
      throw Status(.invalidArgument, "RecommendRequest.seen: \(request.seen.rawValue); 0 to 3 are allowed")
    }
    var reader = ItemFilterReader(configuration)
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
      limits.append((try reader.name(limit.attribute, "limits[\(index)].attribute"), Int(limit.limit)))
    }
    try Self.refuseMissing(request)
  }

  /// What needs the retrieval state is refused, never ignored.
  private static func refuseMissing(_ request: Cowbird__V1__RecommendRequest) throws(Status) {
    var missing: [String] = []
    if request.diversity != 0 { missing.append("diversity") }
    if request.n_boosts > 0 { missing.append("boosts") }
    if request.log_impressions != 0 { missing.append("log_impressions") }
    if let exploration = request.exploration?.pointee,
      exploration.kind != COWBIRD__V1__EXPLORATION__KIND__KIND_UNSPECIFIED,
      exploration.kind != COWBIRD__V1__EXPLORATION__KIND__KIND_NONE
    {
      missing.append("exploration")
    }
    guard missing.isEmpty else {
      throw Status(
        .unimplemented,
        "RecommendRequest.\(missing.joined(separator: ", ")): not available in this build; leave it out")
    }
  }
}
