// Commands that change what versions are called, what is served, and what is kept.

import ArgumentParser
import CMessages
import Wire

struct VersionSwitch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "switch", abstract: "Serves something else: a version, a label, or the head.",
    discussion: """
      Examples:
        cowbird version switch stable      (follows the label when it moves)
        cowbird version switch v17
        cowbird version switch head
      """)

  @OptionGroup var options: ChangeOptions
  @Argument(help: "\(Selector.help)") var to: Selector

  func run() throws {
    try options.change("Switch", "switched") { (arena, request: inout Cowbird__V1__SwitchRequest) in
      request.to = to.message(arena)
      request.reason = arena.text(options.reason)
      request.author = arena.text(options.author)
    }
  }
}

struct VersionSplit: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "split", abstract: "Divides the users among versions.",
    discussion: """
      Each arm is NAME=PERCENT, of a label called NAME, or NAME:VERSION=PERCENT.

      Examples:
        cowbird version split stable=95 canary=5
        cowbird version split old:v17=50 new:head=50
        cowbird version split --end
      """)

  struct Arm: ExpressibleByArgument {
    var name: String
    var version: Selector
    var percent: Double

    init?(argument: String) {
      let parts = argument.split(separator: "=", omittingEmptySubsequences: false)
      guard parts.count == 2, let percent = Double(parts[1]), percent.isFinite else { return nil }
      let names = parts[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(
        String.init)
      guard let name = names.first, !name.isEmpty else { return nil }
      guard let version = Selector(argument: names.last ?? "") else { return nil }
      (self.name, self.version, self.percent) = (name, version, percent)
    }
  }

  @OptionGroup var options: ChangeOptions
  @Option(help: "Changes who falls where.") var salt = ""
  @Flag(help: "Ends the split: everybody gets the first arm's version.") var end = false
  @Argument(help: ArgumentHelp("2 to 8 arms that add up to 100 percent.", valueName: "name=percent"))
  var arms: [Arm] = []

  func validate() throws {
    guard end == arms.isEmpty else { throw ValidationError("name 2 to 8 arms, or --end") }
  }

  func run() throws {
    try options.change("Split", end ? "split ended" : "split") {
      (arena, request: inout Cowbird__V1__SplitRequest) in
      (request.n_arms, request.arms) = arena.messages(
        arms.map { arm in
          var message = Cowbird__V1__SplitArm.empty
          message.name = arena.text(arm.name)
          message.version = arm.version.message(arena)
          message.percent = arm.percent
          return message
        })
      request.salt = arena.text(salt)
      request.reason = arena.text(options.reason)
      request.author = arena.text(options.author)
    }
  }
}

struct VersionShadow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shadow", abstract: "Lets a second version score the same requests, unseen by the callers.",
    discussion: """
      Examples:
        cowbird version shadow canary
        cowbird version shadow --end
      """)

  @OptionGroup var options: ChangeOptions
  @Flag(help: "Ends it.") var end = false
  @Argument(help: "\(Selector.help)") var version: Selector?

  func validate() throws {
    guard end == (version == nil) else { throw ValidationError("name a version, or --end") }
  }

  func run() throws {
    try options.change("Shadow", end ? "shadow ended" : "shadowing") {
      (arena, request: inout Cowbird__V1__ShadowRequest) in
      request.version = version?.message(arena)
      request.reason = arena.text(options.reason)
      request.author = arena.text(options.author)
    }
  }
}

struct VersionLabel: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "label", abstract: "Points a label at a version.",
    discussion: """
      Examples:
        cowbird version label stable latest
        cowbird version label stable v18 --expect v17     (only if nobody moved it meanwhile)
      """)

  @OptionGroup var options: ChangeOptions
  @Option(help: "Only if the label points at this version now; \"\": only if there is no such label.")
  var expect: String?
  @Argument var label: String
  @Argument(help: "\(Selector.help)") var version: Selector

  func run() throws {
    try options.change("Label", "label \(label) set") { (arena, request: inout Cowbird__V1__LabelRequest) in
      request.label = arena.text(label)
      request.version = version.message(arena)
      if let expect {
        request.expect_presence_case = COWBIRD__V1__LABEL_REQUEST__EXPECT_PRESENCE_EXPECT
        request.expect = arena.text(expect)
      }
      request.reason = arena.text(options.reason)
      request.author = arena.text(options.author)
    }
  }
}

struct VersionUnlabel: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unlabel", abstract: "Removes a label.",
    discussion: """
      Example:
        cowbird version unlabel canary
      """)

  @OptionGroup var options: ChangeOptions
  @Argument var label: String

  func run() throws {
    try options.change("Unlabel", "label \(label) removed") {
      (arena, request: inout Cowbird__V1__UnlabelRequest) in
      request.label = arena.text(label)
      request.reason = arena.text(options.reason)
      request.author = arena.text(options.author)
    }
  }
}

struct VersionPin: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pin", abstract: "Keeps a version until it is unpinned.",
    discussion: """
      Example:
        cowbird version pin stable
      """)

  @OptionGroup var options: ChangeOptions
  @Argument(help: "\(Selector.help)") var version: Selector

  func run() throws { try Self.set(version, true, options) }

  static func set(_ version: Selector, _ isPinned: Bool, _ options: ChangeOptions) throws {
    try options.change("Pin", isPinned ? "pinned" : "unpinned") {
      (arena, request: inout Cowbird__V1__PinRequest) in
      request.version = version.message(arena)
      request.pinned = isPinned ? 1 : 0
      request.reason = arena.text(options.reason)
      request.author = arena.text(options.author)
    }
  }
}

struct VersionUnpin: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unpin", abstract: "Lets retention delete a version again.",
    discussion: """
      Example:
        cowbird version unpin v17
      """)

  @OptionGroup var options: ChangeOptions
  @Argument(help: "\(Selector.help)") var version: Selector

  func run() throws { try VersionPin.set(version, false, options) }
}

struct VersionDelete: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete", abstract: "Deletes versions that nothing holds.",
    discussion: """
      Example:
        cowbird version delete v3 v4
      """)

  @OptionGroup var options: ChangeOptions
  @Argument(help: "Ids, such as v17.") var ids: [String]

  /// Tries each: what can be deleted is, and what cannot is named.
  func run() throws {
    var failures: [Status] = []
    for id in ids {
      do {
        try options.change("Delete", "\(id) deleted") { (arena, request: inout Cowbird__V1__DeleteRequest) in
          request.id = arena.text(id)
          request.reason = arena.text(options.reason)
          request.author = arena.text(options.author)
        }
      } catch let status as Status {
        failures.append(status)
      }
    }
    for failure in failures.dropLast() { Outcome.tell(failure) }
    if let last = failures.last { throw last }
  }
}
