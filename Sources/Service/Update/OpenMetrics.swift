// Counters and metrics as OpenMetrics 1.0 text.
//
// Source: https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md

internal import EventLog
internal import Learning
internal import Primitives
internal import Statistics
internal import Versions

struct OpenMetrics {
  private var text = ""

  /// Everything there is to tell, ended by `# EOF`.
  static func text(_ context: ServiceContext) -> String {
    var page = OpenMetrics()
    page.writeLog(context)
    page.writeImpressions(context)
    page.writeLearner(context)
    page.writeRequests(context.tally)
    page.writeVersions(context)
    page.text += "# EOF\n"
    return page.text
  }

  private mutating func writeLog(_ context: ServiceContext) {
    let log = context.log.status
    gauge("cowbird_log_end_offset", "First offset that the log does not hold yet.", Double(log.endOffset))
    gauge("cowbird_log_durable_offset", "All records below are on the disk.", Double(log.durableOffset))
    gauge("cowbird_log_bytes", "Bytes of the log's records.", Double(log.bytes), unit: "bytes")
    gauge("cowbird_log_writable", "1: appends are taken.", log.failure == nil ? 1 : 0)
    counter("cowbird_log_syncs", "Syncs since the start.", log.syncs)
    counter("cowbird_events_accepted", "Events that the log took.", context.tally.eventsAccepted.value)
    begin("cowbird_events_refused", "counter", "Events that were refused, by rule and source.")
    for count in context.tally.refusals.withLock({ $0.all }) {
      sample(
        "cowbird_events_refused_total", [("rule", count.reason), ("source", count.source)],
        Double(count.count))
    }
    begin("cowbird_events_duplicate", "counter", "Events that the log held already, by source.")
    for count in context.tally.duplicates.withLock({ $0.all }) {
      sample("cowbird_events_duplicate_total", [("source", count.source)], Double(count.count))
    }
  }

  private mutating func writeImpressions(_ context: ServiceContext) {
    counter("cowbird_impressions", "Items shown that were logged.", context.tally.impressions.value)
    counter(
      "cowbird_impressions_lost", "Items shown that the log did not take.",
      context.tally.impressionsLost.value)
  }

  private mutating func writeLearner(_ context: ServiceContext) {
    let status = context.learner.status
    let head = context.learner.publication.current
    gauge("cowbird_learned_offset", "All records below are in the head.", Double(status.learnedOffset))
    gauge("cowbird_published_offset", "All records below are visible.", Double(status.publishedOffset))
    gauge(
      "cowbird_lag_seconds", "Age of the oldest record that is not visible.",
      context.lag.milliseconds(published: status.publishedOffset) / 1e3, unit: "seconds")
    gauge("cowbird_events_per_second", "Learned over the last ten seconds.", status.eventsPerSecond)
    gauge("cowbird_paused", "1: learning is paused.", status.isPaused ? 1 : 0)
    gauge(
      "cowbird_standing_still", "1: learning stands still because of an error.", status.failure == nil ? 0 : 1
    )
    gauge("cowbird_model_bytes", "Bytes of the head's tables.", Double(status.modelBytes), unit: "bytes")
    gauge(
      "cowbird_parameter_bytes", "Bytes of the tables' rows alone: how many, times their stride.",
      Double(status.rowBytes), unit: "bytes")
    gauge("cowbird_model_rows", "Rows over all tables.", Double(head.model.rowCount))
    gauge(
      "cowbird_resident_memory_bytes", "Resident memory.", Double(StatusAnswer.residentBytes), unit: "bytes")
    gauge(
      "cowbird_uptime_seconds", "Since the start.",
      Double(MonotonicClock.nanos() - context.startedNanos) / 1e9, unit: "seconds")
    // From the log alone, and lower after a rollback: gauges.
    let names = StatusAnswer.counters(head.model)
    begin("cowbird_head_count", "gauge", "What the head counted.")
    for count in names {
      sample("cowbird_head_count", [("name", count.name), ("source", count.source)], Double(count.value))
    }
    begin("cowbird_metric", "gauge", "Quality of the predictions before learning from them.")
    for metric in head.model.figures {
      sample("cowbird_metric", [("name", metric.name), ("scope", metric.scope.rawValue)], metric.value)
    }
    counter("cowbird_drift_signals", "Times that a drift detector fired.", context.tally.driftSignals.value)
  }

  private mutating func writeRequests(_ tally: Tally) {
    begin(
      "cowbird_request_seconds", "histogram", "Time from a request's arrival to its answer.", unit: "seconds")
    for (method, histogram) in [
      ("Score", tally.scores), ("Recommend", tally.recommendations), ("Explain", tally.explanations),
    ] {
      var sum: UInt64 = 0
      let counts = histogram.counts
      for (place, count) in counts.enumerated() {
        sum += count
        let bound = place == counts.count - 1 ? "+Inf" : "\(Double(UInt64(1) << UInt64(place)) / 1e6)"
        sample("cowbird_request_seconds_bucket", [("method", method), ("le", bound)], Double(sum))
      }
      sample("cowbird_request_seconds_count", [("method", method)], Double(sum))
      sample("cowbird_request_seconds_sum", [("method", method)], histogram.sumSeconds)
    }
    counter("cowbird_candidates_scored", "Candidates of Score.", tally.candidates.value)
    counter("cowbird_degraded_answers", "Answers that were less than asked.", tally.degraded.value)
    counter("cowbird_refused_requests", "Requests of Predict that were refused.", tally.refusedRequests.value)
    counter("cowbird_shadow_scores", "Candidates that the shadow scored.", tally.shadowScores.value)
  }

  private mutating func writeVersions(_ context: ServiceContext) {
    let registry = context.control.registry
    gauge("cowbird_versions", "Versions that are kept.", Double(registry.entries.count))
    gauge(
      "cowbird_version_bytes", "Bytes of the versions' files.",
      registry.entries.reduce(0) { $0 + Double($1.record.fileBytes) }, unit: "bytes")
    counter(
      "cowbird_version_failures", "Versions that could not be made.", context.tally.versionFailures.value)
  }

  // MARK: Lines

  private mutating func begin(_ name: String, _ type: String, _ help: String, unit: String? = nil) {
    text += "# TYPE \(name) \(type)\n"
    if let unit { text += "# UNIT \(name) \(unit)\n" }
    text += "# HELP \(name) \(help)\n"
  }

  private mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Double) {
    let shown = labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
    let isWhole = value == value.rounded() && abs(value) < 1e15
    text +=
      name + (shown.isEmpty ? "" : "{\(shown)}") + " " + (isWhole ? "\(Int64(value))" : "\(value)") + "\n"
  }

  private mutating func gauge(_ name: String, _ help: String, _ value: Double, unit: String? = nil) {
    begin(name, "gauge", help, unit: unit)
    sample(name, [], value)
  }

  private mutating func counter(_ name: String, _ help: String, _ value: UInt64) {
    begin(name, "counter", help)
    sample(name + "_total", [], Double(value))
  }

  private static func escaped(_ text: String) -> String {
    var out = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\": out += "\\\\"
      case "\"": out += "\\\""
      case "\n": out += "\\n"
      default: out.unicodeScalars.append(character)
      }
    }
    return out
  }
}
