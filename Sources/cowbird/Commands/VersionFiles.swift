// Carrying versions: export, import. Comparing them: diff. Following them: watch, wait.

import ArgumentParser
import CMessages
import Glibc
import Primitives
import Transport
import Wire

struct VersionExport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Writes a version to one file.",
    discussion: """
      Examples:
        cowbird version export stable stable.cowbird
        cowbird version export v17 - | ssh other cowbird version import -
      """)

  @OptionGroup var client: ClientOptions
  @Argument(help: "\(Selector.help)") var version: Selector
  @Argument(help: "The file; - is standard output.") var file: String

  func run() throws {
    let daemon = try client.connect()
    let aside = file + ".part"
    let descriptor =
      file == "-" ? STDOUT_FILENO : open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { throw Refused("\(aside): \(String(cString: strerror(errno)))") }
    var isWhole = false
    defer {
      if descriptor != STDOUT_FILENO {
        close(descriptor)
        if !isWhole { unlink(aside) }
      }
    }
    var bar: ProgressBar?
    var done = 0
    try daemon.stream(
      "Version", "Export", as: Cowbird__V1__ExportChunk.self,
      { (arena, request: inout Cowbird__V1__ExportRequest) in request.version = version.message(arena) }
    ) { answer in
      let chunk = answer.message
      if bar == nil { bar = ProgressBar("export", total: Int(chunk.total_bytes), unit: "bytes") }
      try Self.write(chunk.data.bytes, to: descriptor, file)
      done += chunk.data.len
      bar?.update(done)
    }
    bar?.finish(done)
    if file != "-" {
      guard fsync(descriptor) == 0, rename(aside, file) == 0 else {
        throw Refused("\(file): \(String(cString: strerror(errno)))")
      }
      isWhole = true
      Terminal.note("\(Format.bytes(UInt64(done))) written to \(file)")
    }
  }

  private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, _ file: String) throws {
    var rest = bytes
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw Refused("\(file): \(String(cString: strerror(errno)))")
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }
}

struct VersionImport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Takes a version from an exported file.",
    discussion: """
      Example:
        cowbird version import stable.cowbird --label imported
      """)

  @OptionGroup var options: ChangeOptions
  @Option(help: "Label to point at it; may be repeated.") var label: [String] = []
  @Argument(help: "The file; - is standard input.") var file: String

  func run() throws {
    let descriptor = file == "-" ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Refused("\(file): \(String(cString: strerror(errno)))") }
    defer { if descriptor != STDIN_FILENO { close(descriptor) } }
    var status = stat()
    let total = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    let daemon = try options.client.connect()
    let stream = try daemon.client.openStream(
      "cowbird.v1.Version", "Import", .client, timeoutNanos: daemon.timeoutNanos)
    var bar = ProgressBar("import", total: total, unit: "bytes")
    var piece = [UInt8](repeating: 0, count: 1 << 20)
    var done = 0
    repeat {
      let count = read(descriptor, &piece, piece.count)
      guard count >= 0 else { throw Refused("\(file): \(String(cString: strerror(errno)))") }
      if count == 0, done > 0 { break }
      try stream.send(
        DaemonConnection.encoded { (arena, chunk: inout Cowbird__V1__ImportChunk) in
          (chunk.data.data, chunk.data.len) = (arena.array(Array(piece[..<count])), count)
          guard done == 0 else { return }
          chunk.reason = arena.text(options.reason)
          chunk.author = arena.text(options.author)
          (chunk.n_labels, chunk.labels) = arena.texts(label)
        })
      done += count
      bar.update(done)
      if count == 0 { break }
    } while true
    try stream.closeSend()
    guard let bytes = try stream.receive() else { throw Refused("the daemon did not say what it made of it") }
    bar.finish(done)
    Show.result(try Answer<Cowbird__V1__VersionInfo>(bytes), asJSON: options.json) { info in
      "\(text(info.id)) imported, \(Format.bytes(info.file_bytes))"
    }
  }
}

struct VersionDiff: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Compares two versions.",
    discussion: """
      Examples:
        cowbird version diff previous head
        cowbird version diff v17 v18 --features 50 --users 100 --json
      """)

  @OptionGroup var client: ClientOptions
  @Option(help: "Features to name.") var features: UInt32 = 20
  @Option(help: "Users whose top-10 are compared.") var users: UInt32 = 10
  @Argument(help: "\(Selector.help)") var a: Selector
  @Argument(help: "\(Selector.help)") var b: Selector
  @Flag(help: "The answer as JSON.") var json = false

  func run() throws {
    let answer = try client.connect().call(
      "Version", "Diff", as: Cowbird__V1__DiffResponse.self, isLong: true
    ) { (arena, request: inout Cowbird__V1__DiffRequest) in
      request.a = a.message(arena)
      request.b = b.message(arena)
      request.features = features
      request.users = users
    }
    Show.result(answer, asJSON: json, shown)
  }

  private func shown(_ message: Cowbird__V1__DiffResponse) -> String {
    func name(_ info: UnsafeMutablePointer<Cowbird__V1__VersionInfo>?) -> String {
      info.map { text($0.pointee.id) }.flatMap { $0.isEmpty ? nil : $0 } ?? "head"
    }
    let (left, right) = (name(message.a), name(message.b))
    var sections: [String] = []
    var metrics = TextTable(["metric", "scope", left, right, "change"])
    for delta in elements(message.metrics, message.n_metrics) where text(delta.scope) != "decayed" {
      metrics.add([
        text(delta.name), text(delta.scope), Format.decimal(delta.a), Format.decimal(delta.b),
        (delta.b >= delta.a ? "+" : "") + Format.decimal(delta.b - delta.a),
      ])
    }
    sections.append(metrics.rendered())
    sections.append(
      "pages: \(Format.count(message.pages_changed)) of \(Format.count(message.pages)) differ "
        + "(\(Format.decimal(message.pages_changed_share * 100, 1))%)")
    let configuration = texts(message.configuration, message.n_configuration)
    sections.append(
      configuration.isEmpty
        ? "configuration: the same" : "configuration:\n" + configuration.joined(separator: "\n"))
    if message.n_features > 0 {
      var table = TextTable(["feature", left, right, "distance"])
      for feature in elements(message.features, message.n_features) {
        table.add([
          text(feature.feature), Format.decimal(Double(feature.a)), Format.decimal(Double(feature.b)),
          Format.decimal(Double(feature.distance)),
        ])
      }
      sections.append(table.rendered())
    }
    if message.n_top > 0 {
      var table = TextTable(["user", "in common", "\(left)'s best", "\(right)'s best"])
      for change in elements(message.top, message.n_top) {
        table.add([
          text(change.user), "\(change.common)", texts(change.a, min(3, change.n_a)).joined(separator: " "),
          texts(change.b, min(3, change.n_b)).joined(separator: " "),
        ])
      }
      sections.append(table.rendered())
    }
    return sections.joined(separator: "\n\n")
  }
}

struct VersionWatch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Prints every change of the registry, and drift, as it happens.",
    discussion: """
      Examples:
        cowbird version watch
        cowbird version watch --after 0 --json      (everything that the log still holds, and where the head's newest
                                                     256 signs of drift were)
      """)

  @OptionGroup var client: ClientOptions
  @Option(help: "Go on after the record at this offset; default: from now.") var after: UInt64?
  @Flag(help: "One JSON object a line.") var json = false

  func run() throws {
    try client.connect().stream("Version", "Watch", as: Cowbird__V1__WatchEvent.self, fill) { answer in
      if json { return Terminal.write(answer.json.compact + "\n", to: STDOUT_FILENO) }
      let event = answer.message
      let author = text(event.author).isEmpty ? "uid \(event.author_uid)" : text(event.author)
      let reason = text(event.reason).isEmpty ? "" : "  \(Terminal.styled(text(event.reason), .dim))"
      Terminal.write(
        "\(Show.time(event.time_nanos))  \(event.offset)  \(Terminal.styled(text(event.kind), .bold))  "
          + "\(text(event.summary))  by \(author)\(reason)\n", to: STDOUT_FILENO)
    }
  }

  private func fill(_ arena: MessageArena, _ request: inout Cowbird__V1__WatchRequest) {
    guard let after else { return }
    request.after_offset_presence_case = COWBIRD__V1__WATCH_REQUEST__AFTER_OFFSET_PRESENCE_AFTER_OFFSET
    request.after_offset = after
  }
}

struct VersionWait: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wait", abstract: "Returns when all that was ingested before is learned and published.",
    discussion: """
      A rollback that goes on is waited for too. With --timeout, exit code 4 says that the time was not enough.

      Example:
        cowbird version wait --timeout 30s && cowbird version create --label fresh
      """)

  @OptionGroup var client: ClientOptions
  @Option(help: "Wait for the record at this offset; default: all that the log holds now.") var offset:
    UInt64?
  @Flag(help: "The answer as JSON.") var json = false

  func run() throws {
    let answer = try client.connect().call(
      "Update", "Flush", as: Cowbird__V1__FlushResponse.self, isLong: true
    ) { (arena, request: inout Cowbird__V1__FlushRequest) in
      guard let offset else { return }
      request.offset_presence_case = COWBIRD__V1__FLUSH_REQUEST__OFFSET_PRESENCE_OFFSET
      request.offset = offset
    }
    Show.result(answer, asJSON: json) { "published: \(Show.model($0.model))" }
  }
}
