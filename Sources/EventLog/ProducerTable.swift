// What makes a repeated append harmless: each producer's highest sequence. Part of the checkpoint; otherwise a
// function of the log, made again by reading it.

internal import Primitives

struct ProducerTable: Equatable {
  struct State: Equatable {
    var highest: UInt64 = 0
    /// Offset of the last record: the least recently active producers go first when there are too many.
    var lastOffset: UInt64 = 0
  }

  let limit: Int
  private(set) var states: [String: State] = [:]

  init(limit: Int) { self.limit = limit }

  func highest(_ name: String) -> UInt64 { states[name]?.highest ?? 0 }

  mutating func note(_ name: String, sequence: UInt64, offset: UInt64) {
    if states[name] == nil && states.count >= limit { forgetLeastActive() }
    var state = states[name] ?? State()
    state.highest = max(state.highest, sequence)
    state.lastOffset = max(state.lastOffset, offset)
    states[name] = state
  }

  /// Drops an eighth at once, so that a flood of new names costs O(1) each.
  private mutating func forgetLeastActive() {
    let sorted = states.sorted { ($0.value.lastOffset, $0.key) < ($1.value.lastOffset, $1.key) }
    for (name, _) in sorted.prefix(max(1, limit / 8)) { states[name] = nil }
  }

  func encode(to writer: inout ByteWriter) {
    let sorted = states.sorted { $0.key < $1.key }
    writer.write(sorted) { writer, entry in
      writer.write(entry.key)
      writer.write(entry.value.highest)
      writer.write(entry.value.lastOffset)
    }
  }

  init(limit: Int, from reader: inout ByteReader) throws(ByteCodecError) {
    self.limit = limit
    let entries = try reader.readArray(limit: 1 << 28) {
      (reader: inout ByteReader) throws(ByteCodecError) -> (String, State) in
      (try reader.read(), State(highest: try reader.read(), lastOffset: try reader.read()))
    }
    for (name, state) in entries { states[name] = state }
  }
}
