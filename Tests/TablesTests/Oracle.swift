// A paged table beside the plain Swift value that says what it should hold, and the random operations that
// drive both.

import Primitives

@testable import Tables

/// Random numbers for tests: one seed, one sequence.
struct SeededRandom {
  private let seed: UInt64
  private var counter: UInt64 = 0

  init(_ seed: UInt64) { self.seed = seed }

  mutating func next() -> UInt64 {
    counter += 1
    return CounterRandom.bits(seed: seed, counter: counter)
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

struct Pair {
  var table: PagedTable
  var model: [UInt64: [Float]] = [:]

  /// One random operation on both.
  mutating func step(_ random: inout SeededRandom, keys: [UInt64]) {
    let key = keys[random.below(keys.count)]
    switch random.below(10) {
    case 0..<6:
      let value = (0..<table.layout.weights).map { _ in Float(random.below(1000)) }
      table.set(key, weights: value, state: value.prefix(table.layout.state).map { -$0 })
      model[key] = value
    case 6..<8:
      let removed = table.remove(key)
      precondition(removed == (model.removeValue(forKey: key) != nil))
    default:
      table.withWriter { writer in
        if let id = writer.find(key) { writer.weights(id)[0] += 1 }
      }
      model[key]?[0] += 1
    }
  }

  /// What is wrong with the table, if anything.
  func complaint(keys: [UInt64]) -> String? {
    guard table.rowCount == model.count else { return "\(table.rowCount) rows, \(model.count) expected" }
    for key in keys where table.weights(of: key) != model[key] {
      return "key \(key): \(String(describing: table.weights(of: key))) for \(String(describing: model[key]))"
    }
    var visited = 0
    var wrong: String?
    var last: RowID?
    table.forEachRow { id, key, _, weights, state in
      visited += 1
      if let last, last >= id { wrong = "row \(id) after \(last)" }
      last = id
      let row = Array(UnsafeBufferPointer(start: weights, count: table.layout.weights))
      if model[key] != row { wrong = "row of key \(key)" }
    }
    return wrong ?? (visited == model.count ? nil : "\(visited) rows visited, \(model.count) expected")
  }
}

/// Keys as hostile as they come: the ends of the range, neighbours, and some that look random.
func testKeys(_ count: Int) -> [UInt64] {
  [0, UInt64.max, 1, UInt64.max - 1, 1 << 63]
    + (0..<UInt64(count)).map { $0 % 2 == 0 ? $0 : CounterRandom.mix($0) }
}
