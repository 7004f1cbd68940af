// One line that shows how far a long command is, how fast, and how long it will take. Off a terminal it says
// nothing, so that logs stay readable.

import Glibc
import Primitives

struct ProgressBar {
  private let title: String
  /// 0: unknown.
  let total: Int
  private let unit: String
  private let start: UInt64
  private var lastDrawn: UInt64 = 0
  private let isShown: Bool

  init(_ title: String, total: Int, unit: String, isShown: Bool = Terminal.isInteractive) {
    self.title = title
    self.total = total
    self.unit = unit
    self.isShown = isShown
    start = MonotonicClock.nanos()
  }

  /// Draws at most ten times a second.
  mutating func update(_ done: Int, note: @autoclosure () -> String = "") {
    guard isShown else { return }
    let now = MonotonicClock.nanos()
    guard now - lastDrawn > 100_000_000 else { return }
    lastDrawn = now
    draw(done, note: note(), now: now)
  }

  mutating func finish(_ done: Int, note: String = "") {
    guard isShown else { return }
    draw(done, note: note, now: MonotonicClock.nanos())
    Terminal.write("\n", to: STDERR_FILENO)
  }

  private func draw(_ done: Int, note: String, now: UInt64) {
    let seconds = Double(now - start) / 1e9
    let rate = seconds > 0 ? Double(done) / seconds : 0
    var line = "\(title) "
    if total > 0 {
      let share = min(1, Double(done) / Double(total))
      let filled = Int(share * 24)
      line += "[" + String(repeating: "█", count: filled) + String(repeating: "·", count: 24 - filled) + "] "
      line += "\(Int(share * 100))%  "
    }
    line += "\(Format.count(done)) \(unit)  \(Format.count(Int(rate)))/s"
    if total > done, rate > 0 {
      line += "  \(Format.duration(seconds: Double(total - done) / rate)) left"
    }
    if !note.isEmpty { line += "  \(note)" }
    Terminal.write("\r\u{1B}[2K" + String(line.prefix(Terminal.width - 1)), to: STDERR_FILENO)
  }
}
