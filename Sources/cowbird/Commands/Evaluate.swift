// `cowbird evaluate`: a configuration over files, without a daemon.

import ArgumentParser
import Configuration
import Features
import Foundation
import Learning
import Primitives

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs a configuration over files: each event is predicted, scored, then learned.",
    discussion: """
      Examples:
        cowbird evaluate --preset ratings ratings.csv
        cowbird evaluate --preset ratings --users users.tsv --items items.tsv --json ratings.tsv
        cowbird evaluate --preset ads --format vw --publish-every 1000 clicks.vw
        cowbird evaluate --preset clicks --rank --train-fraction 0.9 events.tsv
      """)

  @OptionGroup var configuration: ConfigurationOptions

  @Option(help: "tsv, csv, json, movielens, vw, libsvm or libffm. Default: by the file's name.")
  var format: String?

  @Option(help: "File with attributes of users.")
  var users: String?

  @Option(help: "File with attributes of items.")
  var items: String?

  @Flag(help: "The result as JSON.")
  var json = false

  @Option(name: .customLong("publish-every"), help: "Answer from a revision up to so many events old.")
  var publishEvery = 1

  @Option(help: "Labels are learned so much later than their events, such as 30m.")
  var delay: String?

  @Option(help: "Learning curves into a file that ends in .png or .svg.")
  var plot: String?

  @Flag(help: "Judge the ranking of the catalogue instead of the predictions.")
  var rank = false

  @Option(
    name: .customLong("train-fraction"),
    help: "With --rank: the part that is only learned. Default: 0.9.")
  var trainFraction: Double?

  @Option(
    name: .customLong("skip-bad"),
    help: "How many lines that cannot be read are left out before one ends the command.")
  var skipBad: UInt64 = 0

  @Option(help: "File into which the lines left out are written, with what is wrong.")
  var report: String?

  @Argument(help: "Files of events; - is standard input.")
  var files: [String]

  func validate() throws {
    try EventFiles.checkFormat(format)
    if let plot {
      guard plot.hasSuffix(".png") || plot.hasSuffix(".svg") else {
        throw ValidationError("--plot: \(plot) ends in neither .png nor .svg")
      }
      // Before anything is learned for it.
      let place =
        FileManager.default.fileExists(atPath: plot) ? plot : (plot as NSString).deletingLastPathComponent
      guard FileManager.default.isWritableFile(atPath: place.isEmpty ? "." : place) else {
        throw ValidationError("--plot: \(plot) cannot be written")
      }
    }
    if let delay, DurationText.parse(delay).map({ $0 < 0 }) ?? true {
      throw ValidationError("--delay: \"\(delay)\" is no duration; try 30m, 2h or 7d")
    }
    guard publishEvery >= 1 else { throw ValidationError("--publish-every: at least 1") }
    guard (0...1).contains(trainFraction ?? 0.9) else { throw ValidationError("--train-fraction: 0 to 1") }
    guard !files.isEmpty else { throw ValidationError("name at least one file of events") }
    // What the other way of judging would pass over in silence is refused.
    guard rank else {
      if trainFraction != nil { throw ValidationError("--train-fraction goes with --rank only") }
      return
    }
    let others = [("--delay", delay != nil), ("--plot", plot != nil), ("--publish-every", publishEvery != 1)]
    if let option = others.first(where: \.1)?.0 {
      throw ValidationError(
        "\(option) does not go with --rank: each event is ranked by all before it, and figures are of the whole"
      )
    }
  }

  func run() throws {
    let configuration = try configuration.load()
    if rank { return try runRank(configuration) }
    var options = EvaluationOptions()
    options.publishEvery = publishEvery
    options.delayNanos = delay.flatMap(DurationText.parse) ?? 0
    var evaluation = try Evaluation(FeaturePlan(configuration), options: options)
    let source = try source(configuration)
    var bar = ProgressBar("evaluate", total: source.totalBytes, unit: "bytes")
    let start = MonotonicClock.nanos()
    try ReadAhead.readAll(source) { event, read in
      try evaluation.take(event)
      bar.update(read)
    }
    try evaluation.finish()
    bar.finish(source.totalBytes)
    let seconds = Double(MonotonicClock.nanos() - start) / 1e9
    let report = EvaluationReport(evaluation, of: source, seconds: seconds)
    print(json ? report.json.pretty : report.text)
    if let plot { try report.draw(to: plot) }
  }

  private func source(_ configuration: Configuration) throws -> EventFiles {
    try EventFiles(
      types: configuration.recordTypes, format: format, users: users, items: items, paths: files,
      leavingOut: LeftOut(atMost: skipBad, report: report))
  }

  private func runRank(_ configuration: Configuration) throws {
    guard var evaluation = try RankEvaluation(FeaturePlan(configuration)) else {
      throw Refused("the configuration has no retriever (retrieval.retrievers); try --preset clicks")
    }
    let source = try source(configuration)
    try ReadAhead.readAll(source) { event, _ in try evaluation.take(event) }
    var bar = ProgressBar("rank", total: 1, unit: "events")
    try evaluation.run(trainShare: trainFraction ?? 0.9) { done, total in
      if bar.total != total { bar = ProgressBar("rank", total: total, unit: "events") }
      bar.update(done)
    }
    bar.finish(bar.total)
    let report = RankReport(evaluation)
    print(json ? report.json.pretty : report.text)
  }
}
