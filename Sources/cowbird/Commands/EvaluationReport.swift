// What `evaluate` says: a table for people, JSON for scripts, curves for the eye.

import Configuration
import Features
import Foundation
import Learning
import Plot
import Primitives
import Statistics

struct EvaluationReport {
  private let evaluation: Evaluation
  private let leftOut: LeftOut
  private let seconds: Double
  private let whole: [MetricValue]
  private let first30: [MetricValue]
  private let last70: [MetricValue]

  init(_ evaluation: Evaluation, of source: EventFiles, seconds: Double) {
    self.evaluation = evaluation
    leftOut = source.leftOut
    self.seconds = seconds
    whole = evaluation.metrics()
    first30 = evaluation.metrics(from: 0, to: 0.3)
    last70 = evaluation.metrics(from: 0.3, to: 1)
  }

  /// A top-level key for each metric, and the same under `first30` and `last70`.
  var json: JSON {
    func members(_ values: [MetricValue]) -> [(String, JSON)] { values.map { ($0.name, .number($0.value)) } }
    let counters = evaluation.model.counters
    return .object(
      members(whole) + [
        ("first30", .object(members(first30))), ("last70", .object(members(last70))),
        ("examples", .integer(Int64(evaluation.scored.count))),
        ("events", .unsigned(counters.events)), ("quarantined", .unsigned(counters.quarantined)),
        ("ignored", .unsigned(counters.ignored)), ("refused", .unsigned(counters.refused)),
        ("unknown_attributes", .unsigned(evaluation.model.features.counters.unknownAttributes)),
        ("mistyped_attributes", .unsigned(evaluation.model.features.counters.mistypedAttributes)),
        ("waiting", .integer(Int64(evaluation.waitingCount))),
        ("hygiene", .object(hygiene.map { ($0.reason.name, .unsigned($0.count)) })),
        ("unlabelled", .unsigned(leftOut.unlabelled)), ("skipped_lines", .unsigned(leftOut.skipped)),
        ("warnings", .array(warnings.map { .text($0) })),
        ("seconds", .number(seconds)),
        ("events_per_second", .number(seconds > 0 ? Double(evaluation.records) / seconds : 0)),
        ("digest", .text(evaluation.model.digest.description)),
        ("configuration_hash", .text(String(evaluation.model.plan.configuration.learnedHash, radix: 16))),
      ])
  }

  var text: String {
    var table = TextTable(["metric", "whole", "first 30%", "last 70%"])
    for value in whole {
      func shown(_ values: [MetricValue]) -> String {
        values.first { $0.name == value.name }.map { Format.decimal($0.value) } ?? ""
      }
      table.add([value.name, Format.decimal(value.value), shown(first30), shown(last70)])
    }
    let counters = evaluation.model.counters
    var lines = [
      table.rendered(), "",
      "\(Format.count(evaluation.scored.count)) examples of \(Format.count(evaluation.records)) events in "
        + "\(Format.duration(seconds: seconds)) "
        + "(\(Format.count(Int(Double(evaluation.records) / max(seconds, 1e-9)))) events/s)",
    ]
    func say(_ count: UInt64, _ what: String) {
      if count > 0 { lines.append("\(Format.count(count)) \(what)") }
    }
    say(counters.ignored, "of unknown event types were ignored")
    let attributes = evaluation.model.features.counters
    say(attributes.unknownAttributes, "attributes that the configuration does not name were ignored")
    say(attributes.mistypedAttributes, "attributes of another type than the configuration says were ignored")
    say(counters.refused, "with numbers that are not finite were refused")
    say(UInt64(evaluation.waitingCount), "still waited for what may answer them")
    say(leftOut.unlabelled, "records without a label were left out")
    say(leftOut.skipped, "lines that cannot be read were left out")
    say(counters.quarantined, "were set aside by hygiene")
    for count in hygiene {
      lines.append("hygiene.\(count.reason.name): \(Format.count(count.count)), \(count.reason.explanation)")
    }
    lines += warnings
    return lines.joined(separator: "\n")
  }

  /// How often each rule was broken, whoever sent it.
  private var hygiene: [(reason: HygieneReason, count: UInt64)] {
    let counts = evaluation.model.hygieneCounts
    return HygieneReason.allCases.map { ($0, counts.count($0)) }.filter { $0.1 > 0 }
  }

  /// What makes the figures worthless.
  private var warnings: [String] {
    if evaluation.records == 0 { return ["there is no event in the files, so nothing was predicted"] }
    if evaluation.scored.isEmpty {
      return ["no event has a label, so nothing was predicted: see the event types of the configuration"]
    }
    guard let label = evaluation.onlyLabel else { return [] }
    let types = evaluation.model.configuration.events.filter { $0.label != .none }.map { event in
      "\(event.name): \(event.label.rawValue)"
        + (event.label == .threshold ? " \(Format.decimal(event.threshold))" : "")
    }
    return [
      "every label is \(Format.decimal(Double(label))): is that what the files say? The configuration makes labels by "
        + types.joined(separator: ", ")
    ]
  }

  /// The main metric over the stream, whole and over the last tenth of it.
  func draw(to path: String) throws {
    let isBinary = whole.contains { $0.name == "logloss" }
    let figure = Figure(
      title: "Prequential learning curve",
      panels: [
        Panel(
          yLabel: isBinary ? "logloss" : "rmse",
          series: [
            Series(name: "so far", points: curve(isBinary, window: nil)),
            Series(
              name: "last tenth", points: curve(isBinary, window: max(100, evaluation.scored.count / 10))),
          ])
      ])
    let bytes = path.hasSuffix(".png") ? figure.png() : Array(figure.svg().utf8)
    do {
      try Data(bytes).write(to: URL(fileURLWithPath: path))
    } catch {
      throw Refused("--plot: \(path) cannot be written: \(error.localizedDescription)")
    }
  }

  /// Means as those of the table: weighted, and with its bounds for the logarithm.
  private func curve(_ isBinary: Bool, window: Int?) -> [Point] {
    let losses = evaluation.scored.map { entry in
      let (p, y) = (Double(entry.prediction), Double(entry.label))
      let loss = isBinary ? LogLoss.of(probability: p, isPositive: y > 0.5) : (p - y) * (p - y)
      return SIMD2(Double(entry.weight) * loss, Double(entry.weight))
    }
    var points: [Point] = []
    var sum = SIMD2<Double>()
    let step = max(1, losses.count / 500)
    for (index, loss) in losses.enumerated() {
      sum += loss
      if let window, index >= window { sum -= losses[index - window] }
      guard index >= 50, index % step == 0, sum[1] > 0 else { continue }
      let mean = max(0, sum[0] / sum[1])
      points.append(Point(Double(index + 1), isBinary ? mean : mean.squareRoot()))
    }
    return points
  }
}
