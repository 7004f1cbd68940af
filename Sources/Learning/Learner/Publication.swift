// Where the learner puts revisions and requests find them.
//
// A reader keeps the value that it took last and compares one atomic number per request; it takes the lock, and
// a new reference, only when the number changed. So a reader never waits for the writer but for the moment in
// which one reference is exchanged, and a value lives until its last reader has moved on.

internal import Primitives
internal import Synchronization

/// The newest of a series of values, with the log offset that each stands for.
package final class Publication<Value: Sendable>: Sendable {
  private struct Waiter: Sendable {
    var id: UInt64
    var offset: UInt64
    var body: @Sendable (Value) -> Void
  }

  private struct State: Sendable {
    var value: Value
    var offset: UInt64
    var waiters: [Waiter] = []
    var nextWaiter: UInt64 = 1
    /// What readers have moved on from.
    var left: [Value] = []
  }

  private let state: Guarded<State>
  private let number: Atomic<UInt64>

  /// - Parameter offset: all log records below it are in `value`.
  package init(_ value: Value, offset: UInt64) {
    state = Guarded(State(value: value, offset: offset))
    state.withLock { $0.left.reserveCapacity(Self.usuallyLeft) }
    number = Atomic(1)
  }

  /// Changes with every publication.
  package var generation: UInt64 { number.load(ordering: .acquiring) }

  package var current: Value { state.withLock { $0.value } }

  /// Puts `value` in the place of the one before, and calls those who waited for `offset`, on this thread.
  package func publish(_ value: Value, offset: UInt64) {
    var due: [Waiter] = []
    var old: [Value] = []
    old.reserveCapacity(Self.usuallyLeft)
    state.withLock { state in
      swap(&old, &state.left)
      old.append(state.value)
      state.value = value
      state.offset = offset
      if !state.waiters.isEmpty {
        due = state.waiters.filter { $0.offset < offset }
        state.waiters.removeAll { $0.offset < offset }
      }
      number.wrappingAdd(1, ordering: .releasing)
    }
    // Outside of the lock.
    withExtendedLifetime(old) {}
    for waiter in due { waiter.body(value) }
  }

  /// Releases what readers have moved on from.
  package func sweep() {
    var old: [Value] = []
    old.reserveCapacity(Self.usuallyLeft)
    state.withLock { swap(&old, &$0.left) }
    withExtendedLifetime(old) {}
  }

  /// Room that is there for what is left, so that a reader need not allocate.
  private static var usuallyLeft: Int { 16 }

  /// Puts the newest value in the place of what a reader had.
  fileprivate func renew(_ held: inout Value) {
    state.withLock { state in
      state.left.append(held)
      held = state.value
    }
  }

  /// Calls `body` once with the first value that holds the record at `offset`: at once, on this thread, when the
  /// present one does; else on the publisher's.
  /// - Returns: a number for `cancel`; nil when `body` was called.
  package func whenPublished(_ offset: UInt64, _ body: @escaping @Sendable (Value) -> Void) -> UInt64? {
    var ready: Value?
    let id: UInt64? = state.withLock { state in
      if state.offset > offset {
        ready = state.value
        return nil
      }
      let id = state.nextWaiter
      state.nextWaiter += 1
      state.waiters.append(Waiter(id: id, offset: offset, body: body))
      return id
    }
    if let ready { body(ready) }
    return id
  }

  /// Whether a waiter was not called yet.
  package func isWaiting(_ id: UInt64) -> Bool { state.withLock { $0.waiters.contains { $0.id == id } } }

  /// Withdraws a waiter.
  /// - Returns: false when it was called already, or is being called.
  @discardableResult
  package func cancel(_ id: UInt64) -> Bool {
    state.withLock { state in
      guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return false }
      state.waiters.remove(at: index)
      return true
    }
  }
}

/// One reader's hold on a publication: a reactor has one of its own.
package struct Pin<Value: Sendable> {
  private let publication: Publication<Value>
  private var generation: UInt64 = 0
  private var held: Value

  package init(_ publication: Publication<Value>) {
    self.publication = publication
    held = publication.current
  }

  // hot: one atomic load when nothing was published since the last call.
  /// The newest value.
  package mutating func value() -> Value {
    let newest = publication.generation
    if newest != generation {
      generation = newest
      publication.renew(&held)
    }
    return held
  }
}
