// `cowbird ingest`: files, or standard input, into a running daemon.

import ArgumentParser
import Configuration
import Formats
import Glibc
import Primitives

struct Ingest: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Sends events from files or standard input to a running daemon.",
    discussion: """
      Records are numbered from 1 in the order of the files. When the daemon is lost, the command waits for it (--wait),
      connects again and sends what was not acknowledged; nothing is lost or doubled. With --producer the numbers have
      a name that a second run knows: the same command again goes on where an interrupted one stopped.

      Examples:
        cowbird ingest ratings.csv
        cowbird ingest --format movielens u.data
        cowbird ingest --producer import-2026-01 --users users.tsv --items items.tsv ratings.tsv
        tail -F clicks.json | cowbird ingest --format json -
        cowbird ingest --format json --follow clicks.json
        cowbird ingest --producer shop-1 --follow clicks.json    (resumes, across log rotations too)
      """)

  enum Durability: String, ExpressibleByArgument, CaseIterable { case durable, written, received }

  @OptionGroup var client: ClientOptions
  @Option(help: "tsv, csv, json, movielens, vw, libsvm or libffm. Default: by the file's name.") var format:
    String?
  @Option(help: "File with attributes of users.") var users: String?
  @Option(help: "File with attributes of items.") var items: String?
  @Option(help: "Event type of all records. Default: as they say, else as the daemon's configuration says.")
  var type: String?
  @Option(help: "Name under which records are numbered; makes the command resumable.") var producer = ""
  @Option(help: "How long a daemon that went away is waited for, such as 30s; 0s: not at all.") var wait =
    "5m"
  @Option(help: "What an acknowledgement means: durable, written or received.")
  var durability: Durability = .durable
  @Option(help: "Events sent at once.") var batch = 1_000
  @Flag(help: "At the end of the file wait for more, as tail -F does.") var follow = false
  @Option(
    name: .customLong("skip-bad"),
    help: "How many lines that cannot be read are left out before one ends the command.")
  var skipBad: UInt64 = 0
  @Option(help: "File into which what was left out or refused is written, with what is wrong.") var report:
    String?
  @Flag(help: "The result as JSON.") var json = false
  @Argument(help: "Files of events; - is standard input.") var files: [String] = ["-"]

  func validate() throws {
    try EventFiles.checkFormat(format)
    guard (1...10_000).contains(batch) else { throw ValidationError("--batch: 1 to 10000") }
    guard let nanos = DurationText.parse(wait), nanos >= 0 else {
      throw ValidationError("--wait: \"\(wait)\" is no duration; try 30s or 5m")
    }
    if follow {
      guard files.count == 1, format != nil || files == ["-"] || EventFiles.knowsFormat(of: files[0]) else {
        throw ValidationError("--follow takes one file, whose format is told by its name or by --format")
      }
    }
  }

  func run() throws {
    let leftOut = try LeftOut(atMost: skipBad, report: self.report)
    if follow, files != ["-"] { return try runFollowing(leftOut) }
    var liveness = files.allSatisfy(Self.isFile) ? Liveness.whole : .live
    if files == ["-"] { liveness = .pipe(STDIN_FILENO) }
    let start = MonotonicClock.nanos()
    let feed = try feed(producer, liveness, leftOut)
    var bar = try send(files, format, feed)
    if !producer.isEmpty, feed.resumed > feed.number {
      throw Refused(
        "\(producer): the log holds \(Format.count(feed.resumed)) records, and the files have \(Format.count(feed.number)): "
          + "they are not the ones that were sent under this name; give these another --producer")
    }
    bar.finish(bar.total, note: "\(Format.count(feed.sent)) events")
    report(feed, seconds: Double(MonotonicClock.nanos() - start) / 1e9)
    if feed.refused > 0 { throw ExitCode(Outcome.refused) }
  }

  /// Sends the parts of a file that grows and is rotated, each numbered under a name of its own: what was sent of one
  /// is known wherever it lies by now. Does not return.
  private func runFollowing(_ leftOut: LeftOut) throws {
    let file = FollowedFile(files[0], format)
    let format = format ?? EventFiles.format(of: files[0])
    if !producer.isEmpty {
      // What was added to parts that were followed before they were rotated away, and all parts since then.
      var isKnown = false
      for part in file.rotated() {
        let feed = try feed("\(producer)/\(part.name)", .whole, leftOut)
        isKnown = isKnown || feed.resumed > 0
        if isKnown { _ = try send([part.path], format, feed) }
      }
    }
    while true {
      let part = try file.part()
      let liveness = part.reading.map { Liveness.pipe($0) } ?? .whole
      let feed = try feed(producer.isEmpty ? "" : "\(producer)/\(part.name)", liveness, leftOut)
      _ = try send([part.path], format, feed)
      feed.reportRefusals()
      if let reading = part.reading { close(reading) }
    }
  }

  private func feed(_ producer: String, _ liveness: Liveness, _ leftOut: LeftOut) throws -> EventFeed {
    try EventFeed(
      client, producer: producer.isEmpty ? Self.passingName : producer, durability: Int32(durability.number),
      batch: batch, patienceNanos: UInt64(DurationText.parse(wait) ?? 0), liveness, leftOut)
  }

  /// Sends all that the files hold and waits until it is acknowledged.
  private func send(
    _ paths: [String], _ format: String?, _ feed: EventFeed
  ) throws -> ProgressBar {
    var source = try EventFiles(
      types: feed.types, format: format, users: users, items: items, paths: paths, leavingOut: feed.leftOut)
    source.type = type
    var bar = ProgressBar("ingest", total: follow ? 0 : source.totalBytes, unit: "bytes")
    do {
      if feed.resumed > 0 {
        Terminal.note("\(producer): the log holds \(Format.count(feed.resumed)) records; going on after them")
      }
      try source.readAll { event, read in
        try feed.send(event)
        bar.update(read, note: "\(Format.count(feed.sent)) events")
      }
      try feed.finish()
    } catch {
      // What stands before a line that cannot be read is sent.
      if error is FormatError { try? feed.finish() }
      feed.reportRefusals()
      Terminal.note(
        producer.isEmpty
          ? "\(Format.count(feed.accepted)) events before it are accepted; sent again they are events anew (--producer NAME "
            + "lets the same command go on after them)"
          : "\(Format.count(feed.acknowledged)) records are acknowledged; the same command goes on after them"
      )
      throw error
    }
    return bar
  }

  /// A producer that no other run is: the numbers help this one to go on after a lost connection.
  private static var passingName: String { "run-" + String(UInt64.random(in: 0...(.max)), radix: 36) }

  private func report(_ feed: EventFeed, seconds: Double) {
    feed.reportRefusals()
    let rate = seconds > 0 ? Double(feed.sent) / seconds : 0
    if json {
      let members: [(String, JSON)] = [
        ("sent", .unsigned(feed.sent)), ("skipped", .unsigned(feed.skipped)),
        ("accepted", .unsigned(feed.accepted)), ("duplicates", .unsigned(feed.duplicates)),
        ("refused", .unsigned(feed.refused)), ("reconnects", .unsigned(feed.reconnects)),
        ("unlabelled", .unsigned(feed.leftOut.unlabelled)),
        ("skipped_lines", .unsigned(feed.leftOut.skipped)),
        ("last_offset", .unsigned(feed.offset)),
        ("seconds", .number(seconds)), ("events_per_second", .number(rate)),
      ]
      print(JSON.object(members).pretty)
    } else {
      print(
        "\(Format.count(feed.accepted)) events accepted, \(Format.count(feed.duplicates)) known before, "
          + "\(Format.count(feed.refused)) refused, \(Format.count(feed.skipped)) skipped; last offset \(feed.offset) "
          + "(\(Format.duration(seconds: seconds)), \(Format.count(Int(rate))) events/s)")
      let (lines, unlabelled) = (feed.leftOut.skipped, feed.leftOut.unlabelled)
      if lines > 0 { print("\(Format.count(lines)) lines that cannot be read were left out") }
      if unlabelled > 0 { print("\(Format.count(unlabelled)) records without a label were left out") }
    }
  }

  private static func isFile(_ path: String) -> Bool {
    var status = stat()
    return path != "-" && stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }
}

extension Ingest.Durability {
  /// As the contract numbers them.
  var number: Int {
    switch self {
    case .durable: 1
    case .written: 2
    case .received: 3
    }
  }
}
