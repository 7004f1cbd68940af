// How many calls of each method, and how many ended with each code: for metrics, without a lock.

internal import Synchronization
internal import Wire

/// One reactor's counts. Its thread alone writes them, so an increment is a load and a store; any may read.
final class CallCounters: @unchecked Sendable {
  // Unchecked: the memory is allocated once and holds atomics only.
  private static let codes = 17
  private let methods: Int
  private let cells: UnsafeMutablePointer<Atomic<UInt64>>

  init(methods: Int) {
    self.methods = methods
    cells = .allocate(capacity: methods + Self.codes)
    for place in 0..<methods + Self.codes { (cells + place).initialize(to: Atomic(0)) }
  }

  deinit {
    cells.deinitialize(count: methods + Self.codes)
    cells.deallocate()
  }

  @inline(__always)
  func countCall(_ method: Int) { increment(method) }

  /// Codes that are not gRPC's count as UNKNOWN.
  func countFailure(_ code: Status.Code) {
    let value = Int(code.rawValue)
    increment(methods + ((0..<Self.codes).contains(value) ? value : Int(Status.Code.unknown.rawValue)))
  }

  func calls(of method: Int) -> UInt64 { cells[method].load(ordering: .relaxed) }
  func failures(with code: Int) -> UInt64 { cells[methods + code].load(ordering: .relaxed) }

  @inline(__always)
  private func increment(_ place: Int) {
    cells[place].store(cells[place].load(ordering: .relaxed) &+ 1, ordering: .relaxed)
  }
}

/// A server's counts at one moment.
package struct CallCounts: Sendable {
  /// Calls that reached a method, by its place in the registry.
  package private(set) var calls: [(service: String, method: String, count: UInt64)]
  /// Calls and frames that were answered with an error, by gRPC's code (1 to 16).
  package private(set) var failures = [UInt64](repeating: 0, count: 17)

  init(methods: [Method]) { calls = methods.map { ($0.service, $0.name, 0) } }

  mutating func add(_ counters: CallCounters) {
    for place in calls.indices { calls[place].count += counters.calls(of: place) }
    for code in failures.indices { failures[code] += counters.failures(with: code) }
  }
}
