// Percentiles of a bench, for people and for scripts.

import Histogram
import Wire

struct LoadReport {
  private static let percentiles = [50.0, 90, 99, 99.9, 99.99, 100]

  private var latency: [(LoadKind, Histogram<UInt64>)] = []
  private let seconds: Double
  private let rate: Double
  private let connections: Int
  private let failures: Int
  private let events: Int
  private let refused: Int
  private let refusal: String
  let failure: Status?

  init(_ results: [LoadWorker.Result], seconds: Double, rate: Double, connections: Int) {
    self.seconds = seconds
    self.rate = rate
    self.connections = connections
    failures = results.reduce(0) { $0 + $1.failures }
    events = results.reduce(0) { $0 + $1.events }
    refused = results.reduce(0) { $0 + $1.refused }
    refusal = results.lazy.map(\.refusal).first { !$0.isEmpty } ?? ""
    failure = results.lazy.compactMap(\.failure).first
    for kind in LoadKind.allCases {
      var sum: Histogram<UInt64>?
      for result in results {
        guard let part = result.latency[kind], part.totalCount > 0 else { continue }
        if sum == nil { sum = part } else { sum?.add(part) }
      }
      if let sum { latency.append((kind, sum)) }
    }
  }

  var answered: Int { latency.reduce(0) { $0 + Int($1.1.totalCount) } }

  var json: JSON {
    .object([
      ("seconds", .number(seconds)), ("rate", .number(rate)), ("connections", .integer(Int64(connections))),
      ("answered", .integer(Int64(answered))), ("failed", .integer(Int64(failures))),
      ("events_refused", .integer(Int64(refused))),
      ("events_per_second", .number(Double(events) / seconds)),
      ("requests_per_second", .number(Double(answered) / seconds)),
      (
        "latency_nanos",
        .object(
          latency.map { kind, histogram in
            (
              kind.rawValue,
              .object(
                [("count", .unsigned(histogram.totalCount)), ("mean", .number(histogram.mean))]
                  + Self.percentiles.map { percentile in
                    (Self.name(percentile), .unsigned(histogram.valueAtPercentile(percentile)))
                  })
            )
          })
      ),
    ])
  }

  var text: String {
    var table = TextTable(["request", "count", "/s"] + Self.percentiles.map(Self.name))
    for (kind, histogram) in latency {
      table.add(
        [
          kind.rawValue, Format.count(histogram.totalCount),
          Format.count(Int(Double(histogram.totalCount) / seconds)),
        ]
          + Self.percentiles.map { percentile in
            Format.duration(seconds: Double(histogram.valueAtPercentile(percentile)) / 1e9)
          })
    }
    var lines = [table.rendered()]
    let loop = rate > 0 ? "open loop, \(Format.decimal(rate, 0)) requests/s asked" : "closed loop"
    lines.append("\(loop), \(connections) connections, \(Format.decimal(seconds, 1)) s measured")
    if events > 0 { lines.append("\(Format.count(Int(Double(events) / seconds))) events/s ingested") }
    if refused > 0 {
      lines.append(
        Terminal.styled("\(Format.count(refused)) events refused; the first: \(refusal)", .red))
    }
    if failures > 0 {
      let what = failure.map { "; the first: \($0)" } ?? ""
      lines.append(Terminal.styled("\(Format.count(failures)) requests failed\(what)", .red))
    }
    return lines.joined(separator: "\n")
  }

  private static func name(_ percentile: Double) -> String {
    percentile == 100
      ? "max" : "p" + (percentile == percentile.rounded() ? "\(Int(percentile))" : "\(percentile)")
  }
}
