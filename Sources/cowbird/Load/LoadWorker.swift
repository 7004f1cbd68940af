// One connection's thread: sends when it is time, waits for the answer, notes how long it took.

import CMessages
import Glibc
import Histogram
import Primitives
import Transport
import Wire

final class LoadWorker: @unchecked Sendable {
  // Sound because: one thread runs it; `result` is read after that thread has ended.

  struct Result {
    var latency: [LoadKind: Histogram<UInt64>] = [:]
    var failures = 0
    var failure: Status?
    /// Events that were accepted, and refused, over all Appends.
    var events = 0
    var refused = 0
    var refusal = ""
  }

  private let client: Client
  private let plan: LoadPlan
  private let schedule: LoadSchedule
  private let number: Int
  private let count: Int
  private let timeoutNanos: UInt64
  private(set) var result = Result()

  init(
    _ client: Client, _ plan: LoadPlan, _ schedule: LoadSchedule, number: Int, of count: Int,
    timeoutNanos: UInt64
  ) {
    self.client = client
    self.plan = plan
    self.schedule = schedule
    self.number = number
    self.count = count
    self.timeoutNanos = timeoutNanos
    for kind in LoadKind.allCases {
      result.latency[kind] = Histogram(
        lowestDiscernibleValue: 1, highestTrackableValue: 3_600_000_000_000,
        numberOfSignificantValueDigits: .three)
    }
  }

  func run() {
    var turn: UInt64 = 0
    while true {
      let request = turn &* UInt64(count) &+ UInt64(number)
      let due = dueNanos(turn)
      guard due < schedule.endNanos, result.failure?.code != .unavailable else { return }
      turn += 1
      let kind = plan.kind(request)
      do {
        let bytes = try plan.request(kind, request)
        wait(until: due)
        // From when it was due, not from when a late daemon let it be sent.
        let start = schedule.intervalNanos > 0 ? due : MonotonicClock.nanos()
        let (service, method) = LoadPlan.method(kind)
        let answer = try client.call(service, method, bytes, timeoutNanos: timeoutNanos)
        note(kind, start, answer)
      } catch {
        result.failures += 1
        result.failure = result.failure ?? (error as? Status)
      }
    }
  }

  private func dueNanos(_ turn: UInt64) -> UInt64 {
    guard schedule.intervalNanos > 0 else { return MonotonicClock.nanos() }
    // The connections take turns.
    let place = Double(turn) + Double(number) / Double(count)
    return schedule.beginNanos + UInt64(place * schedule.intervalNanos)
  }

  private func note(_ kind: LoadKind, _ start: UInt64, _ bytes: [UInt8]) {
    let end = MonotonicClock.nanos()
    guard start >= schedule.measureNanos else { return }
    result.latency[kind]?.record(max(1, end - start))
    guard kind == .ingest, let answer = try? Answer<Cowbird__V1__AppendResponse>(bytes) else { return }
    withExtendedLifetime(answer) {
      result.events += Int(answer.message.accepted)
      result.refused += answer.message.n_refusals
      guard result.refusal.isEmpty else { return }
      result.refusal =
        elements(answer.message.refusals, answer.message.n_refusals).first
        .map { "\(text($0.field)): \(text($0.reason))" } ?? ""
    }
  }

  private func wait(until due: UInt64) {
    guard schedule.intervalNanos > 0 else { return }
    var time = timespec(tv_sec: Int(due / 1_000_000_000), tv_nsec: Int(due % 1_000_000_000))
    while MonotonicClock.nanos() < due, clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {
    }
  }
}
