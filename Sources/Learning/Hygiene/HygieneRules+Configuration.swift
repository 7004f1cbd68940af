// The rules as the configuration gives them.

package import Configuration

extension HygieneRules {
  package init(_ configuration: Configuration) {
    let section = configuration.hygiene
    let numbers = configuration.features.context.count { $0.type == .number }
    maxAheadNanos = section.stream.ahead
    maxBehindNanos = section.stream.behind
    futureTime = HygieneResponse(section.stream.action, section.stream.weight)
    oldTime = futureTime
    // Whatever the rule says, no example weighs more than `Example.maximumWeight`.
    maxWeight = section.weight.action == .off ? .infinity : section.weight.maximum
    weightAction = HygieneResponse(section.weight.action, 1)
    let within = Double(section.burst.within) / 1e9
    let burstAction = HygieneResponse(section.burst.action, section.burst.weight)
    func limit(_ events: Int) -> BurstLimit? {
      events > 0 && section.burst.action != .off
        ? BurstLimit(eventsPerSecond: Double(events) / within, burst: Double(events)) : nil
    }
    userBurst = limit(section.burst.perUser)
    userBurstAction = burstAction
    sourceBurst = limit(section.burst.perSource)
    sourceBurstAction = burstAction
    value =
      section.value.action == .off || section.value.minimum > section.value.maximum
      ? nil : section.value.minimum...section.value.maximum
    valueAction = HygieneResponse(section.value.action, section.value.weight)
    ranges =
      section.range.action == .off ? [] : configuration.events.map { configuration.range(of: $0) }
    rangeAction = HygieneResponse(section.range.action, section.range.weight)
    missingAction = HygieneResponse(section.missing.action, 1)
    outlier =
      section.outlier.action == .off
      ? nil
      : OutlierLimit(
        maxRobustZ: section.outlier.zScore, maxIQRDistance: section.outlier.interquartileRanges,
        warmUp: section.outlier.warmup)
    // Half-space trees look at the event's value and the numbers of its context together.
    anomaly =
      section.anomaly.action == .off
      ? nil
      : AnomalyLimit(
        featureCount: 1 + numbers, maxScore: section.anomaly.threshold, trees: section.anomaly.trees,
        height: section.anomaly.height, window: section.anomaly.window)
    anomalyAction = HygieneResponse(section.anomaly.action, section.anomaly.weight)
    outlierAction = HygieneResponse(section.outlier.action, section.outlier.weight)
    watchedNumbers = section.outlier.action == .off ? 0 : section.outlier.context.count
    watchedAction =
      section.outlier.action == .clip ? .weight(section.outlier.weight) : outlierAction
  }
}

extension HygieneResponse {
  /// Ingest refuses what `reject` asks for; the log may hold such an event all the same, of a time when another
  /// configuration was in force: it is set aside.
  init(_ action: HygieneAction, _ weight: Double) {
    self =
      switch action {
      case .off: .count
      case .reject, .quarantine: .quarantine
      case .clip: .clip
      case .weight: .weight(weight)
      }
  }
}
