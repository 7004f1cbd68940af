// `cowbird fsck`: reads every byte of a log that no daemon has open, and mends what can be mended.

import ArgumentParser
import Configuration
import EventLog

struct Fsck: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Checks a daemon's log, which must not be running; --repair mends it.",
    discussion: """
      Exit code 0: sound, or mended. 1: damaged.

      Examples:
        cowbird fsck --data /var/lib/cowbird
        cowbird fsck --data /var/lib/cowbird --repair
      """)

  @OptionGroup var configuration: ConfigurationOptions
  @Option(help: "The data directory; default: the configuration's.") var data: String?
  @Flag(help: "Mend: damaged bytes are copied aside first.") var repair = false
  @Flag(help: "The answer as JSON.") var json = false

  func run() throws {
    let directory = try (data ?? configuration.load().data) + "/log"
    let check =
      repair ? try LogRepair.repair(directory: directory) : try LogCheck.verify(directory: directory)
    print(json ? Self.json(check).pretty : text(check))
    if !repair, !check.isSound { throw ExitCode(Outcome.refused) }
  }

  private func text(_ check: LogCheck) -> String {
    var lines = [
      "\(Format.count(check.records)) records in \(check.segments) segments, \(Format.bytes(UInt64(check.bytes))), "
        + "offsets \(check.firstOffset) to \(check.endOffset)"
    ]
    lines += check.findings.map { finding in
      Terminal.styled(finding.repair == nil ? "note " : "damage ", finding.repair == nil ? .yellow : .red)
        + "\(finding)"
    }
    if repair {
      lines.append(check.isSound ? "nothing had to be mended" : Terminal.styled("mended", .green))
    } else {
      lines.append(
        check.isSound
          ? Terminal.styled("sound", .green) : "damaged; `cowbird fsck --repair` does what stands above")
    }
    return lines.joined(separator: "\n")
  }

  private static func json(_ check: LogCheck) -> JSON {
    .object([
      ("sound", .flag(check.isSound)), ("segments", .integer(Int64(check.segments))),
      ("records", .integer(Int64(check.records))), ("tombstones", .integer(Int64(check.tombstones))),
      ("bytes", .integer(Int64(check.bytes))), ("first_offset", .unsigned(check.firstOffset)),
      ("end_offset", .unsigned(check.endOffset)),
      (
        "findings",
        .array(
          check.findings.map { finding in
            .object([
              ("file", .text(finding.file)),
              ("position", finding.position.map { .integer(Int64($0)) } ?? .null),
              ("reason", .text(finding.reason)), ("repair", finding.repair.map { .text($0) } ?? .null),
              ("records_lost", .integer(Int64(finding.lost?.count ?? 0))),
            ])
          })
      ),
    ])
  }
}
