// A server with nothing but Health and Echo, for benchmarks, conformance tests and fuzzing.
//
//   EchoServer SOCKET [--reactors N] [--busy-poll-nanos N] [--maximum-connections N] ...
//
// It prints "ready" when peers can connect, and stops at SIGTERM or SIGINT after finishing calls in flight.

internal import Glibc
internal import Transport
internal import Wire

@main
struct EchoServer {
  static func main() {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGINT)
    // Before any thread is made, so that all inherit it and only `sigwait` takes them.
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    do {
      let arguments = try Arguments(Array(CommandLine.arguments.dropFirst()))
      var registry = ServiceRegistry()
      let health = HealthState(["": .serving, "cowbird.v1.Echo": .serving, "cowbird.v1.Health": .serving])
      registry.addHealth(health)
      registry.addEcho(permission: .predict)
      var listeners = try Systemd.listeners()
      if let path = arguments.socket { listeners.append(try Listener(path: path)) }
      let server = try Server(
        registry, listeners: listeners,
        permissions: arguments.deniesAll
          ? PermissionTable(owner: getuid(), users: [getuid(): []], groups: [:])
          : PermissionTable(owner: getuid()),
        options: arguments.options)
      Systemd.notify("READY=1")
      say("ready", to: STDOUT_FILENO)
      var signal: Int32 = 0
      sigwait(&signals, &signal)
      Systemd.notify("STOPPING=1")
      health.setAll(.notServing(reason: "draining"))
      let cut = server.stop()
      say("stopped, \(cut) connections cut", to: STDOUT_FILENO)
    } catch {
      say("EchoServer: \(error)", to: STDERR_FILENO)
      exit(1)
    }
  }

  /// Writes a line at once: whoever started this waits for it.
  private static func say(_ line: String, to descriptor: Int32) {
    let bytes = Array((line + "\n").utf8)
    _ = write(descriptor, bytes, bytes.count)
  }
}

/// The command line: a socket path, and options of the server by their names.
private struct Arguments {
  var socket: String?
  var options = ServerOptions()
  /// Grants the server's own user nothing, to try refusals.
  var deniesAll = false

  init(_ words: [String]) throws(Status) {
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--deny-all" {
        deniesAll = true
      } else if word.hasPrefix("--") {
        guard let text = rest.popFirst(), let value = UInt64(text) else {
          throw Status(.invalidArgument, "\(word) needs a whole number")
        }
        try set(word, value)
      } else {
        guard socket == nil else {
          throw Status(.invalidArgument, "only one socket path can be given, not also \(word)")
        }
        socket = word
      }
    }
  }

  private mutating func set(_ name: String, _ value: UInt64) throws(Status) {
    let count = Int(clamping: value)
    switch name {
    case "--reactors": options.reactors = count
    case "--maximum-connections": options.maximumConnections = count
    case "--maximum-streams": options.maximumStreamsPerConnection = count
    case "--maximum-unsent-bytes": options.maximumUnsentBytes = count
    case "--maximum-deferred-bytes": options.maximumDeferredBytes = count
    case "--busy-poll-nanos": options.busyPollNanos = value
    case "--idle-timeout-nanos": options.idleTimeoutNanos = value
    case "--frame-timeout-nanos": options.frameTimeoutNanos = value
    case "--write-timeout-nanos": options.writeTimeoutNanos = value
    case "--drain-timeout-nanos": options.drainTimeoutNanos = value
    case "--turn-nanos": options.turnNanos = value
    case "--calls-per-turn": options.callsPerTurn = count
    default: throw Status(.invalidArgument, "\(name) is no option of EchoServer")
    }
  }
}
