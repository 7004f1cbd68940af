// `cowbird fsck`: reads every byte of a log that no daemon has open, and of the versions beside it, and mends what can
// be mended.

import ArgumentParser
import Configuration
import EventLog
import Glibc
import Versions

struct Fsck: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Checks the log and the versions of a daemon, which must not be running; --repair mends the log.",
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
    let directory = try data ?? configuration.load().data
    // To open a log makes one where there is none.
    guard access(directory + "/log", R_OK) == 0 else {
      throw Refused("\(directory)/log: \(String(cString: strerror(errno))); name the daemon's data directory")
    }
    let check =
      repair
      ? try LogRepair.repair(directory: directory + "/log")
      : try LogCheck.verify(directory: directory + "/log")
    let versions = try versionCheck(directory, check)
    if json {
      print(JSON.object([("log", Self.json(check)), ("versions", versions.map(Self.json) ?? .null)]).pretty)
    } else {
      print(text(check))
      print(
        versions.map(text)
          ?? "versions: not looked at, because the registry is read with the log; mend the log first")
    }
    let isSound = (repair || check.isSound) && versions?.isSound ?? false
    if !isSound { throw ExitCode(Outcome.refused) }
  }

  /// Nil: the log is not as it was written, and to open it would change it.
  private func versionCheck(_ directory: String, _ check: LogCheck) throws -> VersionCheck? {
    guard repair || check.findings.isEmpty else { return nil }
    let log = try EventLog.open(directory: directory + "/log")
    defer { log.close() }
    return VersionCheck.verify(data: directory, log: log, repairs: repair)
  }

  private func text(_ check: VersionCheck) -> String {
    var lines = ["\(check.versions) versions, \(check.files) files, \(Format.bytes(check.bytes))"]
    lines += check.findings.map { finding in
      Terminal.styled(finding.isDamage ? "damage " : "note ", finding.isDamage ? .red : .yellow)
        + "\(finding)"
    }
    if check.isSound { lines.append(Terminal.styled("sound", .green)) }
    return lines.joined(separator: "\n")
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

  private static func json(_ check: VersionCheck) -> JSON {
    .object([
      ("sound", .flag(check.isSound)), ("versions", .integer(Int64(check.versions))),
      ("files", .integer(Int64(check.files))), ("bytes", .unsigned(check.bytes)),
      (
        "findings",
        .array(
          check.findings.map { finding in
            .object([
              ("file", .text(finding.file)), ("reason", .text(finding.reason)),
              ("damage", .flag(finding.isDamage)),
              ("repair", finding.repair.map { .text($0) } ?? .null), ("next_start", .text(finding.start)),
            ])
          })
      ),
    ])
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
