// `cowbird serve`: the daemon, from its start to its stop.

import ArgumentParser
import Configuration
import Glibc
import Primitives
import Service
import Transport
import Wire

struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Starts the daemon: listens, learns, answers.",
    discussion: """
      Examples:
        cowbird serve --config /etc/cowbird/cowbird.yaml
        cowbird serve --preset clicks --socket /tmp/cowbird.sock --data /tmp/cowbird

      SIGTERM and SIGINT stop it: what was asked is answered, a version is kept, the log is closed, all within
      server.stop_timeout. A second one stops it at once; the log recovers at the next start. SIGHUP loads the
      configuration again and says what needs a restart.

      Exit codes: 0 stopped as told; 1 refused to start, or did not stop in time, with what to do on standard error;
      2 wrong usage.
      """)

  @OptionGroup var configuration: ConfigurationOptions

  @Option(help: "Path of the socket. Default: server.socket of the configuration.")
  var socket: String?

  @Option(help: "Directory of the log and the versions. Default: data of the configuration.")
  var data: String?

  @Flag(help: "Learn the whole log anew where the versions were made with another configuration.")
  var rebuild = false

  func run() throws {
    let signals = Self.holdSignals()
    var options = DaemonOptions(try load(), reload: { try load() })
    options.mayRebuild = rebuild
    let started = Signal()
    let watch = Self.watchStart(signals, until: started)
    let daemon: Daemon
    do {
      options.listeners = try Systemd.listeners()
      daemon = try Daemon(options)
    } catch {
      Terminal.note("cowbird serve: \(error.message)")
      throw ExitCode(1)
    }
    started.raise()
    watch.join()
    wait(signals, daemon)
  }

  /// A start may replay a long log, and can be ended at any time: nothing but the log is written until it is over.
  private static func watchStart(_ signals: sigset_t, until started: Signal) -> PlainThread {
    PlainThread(name: "start watch") {
      var stop = signals
      sigdelset(&stop, SIGHUP)
      while started.count == 0 {
        var pause = timespec(tv_sec: 0, tv_nsec: 20_000_000)
        guard sigtimedwait(&stop, nil, &pause) > 0 else { continue }
        Terminal.note("cowbird serve: stopped while starting")
        _exit(0)
      }
    }
  }

  /// The configuration with what the command line says.
  private func load() throws -> Configuration {
    var loaded = try configuration.load()
    if let socket { loaded.server.socket = socket }
    if let data { loaded.data = data }
    return loaded
  }

  /// Keeps signals from every thread that is made from now on, so that they can be waited for.
  private static func holdSignals() -> sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&signals, number) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    signal(SIGPIPE, SIG_IGN)
    return signals
  }

  private func wait(_ signals: sigset_t, _ daemon: Daemon) {
    var signals = signals
    while true {
      var number: Int32 = 0
      guard sigwait(&signals, &number) == 0 else { continue }
      if number == SIGHUP {
        daemon.reload()
        continue
      }
      watch(signals, daemon.stopTimeoutNanos)
      daemon.stop()
      return
    }
  }

  /// Ends the process when the stop takes too long, or when it is told to stop again.
  private func watch(_ signals: sigset_t, _ nanos: UInt64) {
    _ = PlainThread(name: "stop watch") {
      var stop = signals
      sigdelset(&stop, SIGHUP)
      var limit = timespec(tv_sec: Int(nanos / 1_000_000_000) + 1, tv_nsec: 0)
      let number = sigtimedwait(&stop, nil, &limit)
      Terminal.note(
        number > 0
          ? "cowbird serve: stopped at once; the log recovers at the next start"
          : "cowbird serve: not stopped within server.stop_timeout; the log recovers at the next start")
      _exit(1)
    }
  }
}
