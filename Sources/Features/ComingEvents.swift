// The rows of the users and items of coming events are asked for in steps, each of which uses what the one before has
// fetched: row and directory when they become known, the others while the rows of the present event are changed. See
// `RowsAhead`, which does so for weights.

internal import Tables

/// What was read of the next three events; nil: nothing.
struct ComingEvents: BitwiseCopyable {
  /// One ahead: its rows are asked for.
  var near: UnsafeMutablePointer<EventInputs.Fields>?
  /// Two ahead: the places of its rows.
  var middle: UnsafeMutablePointer<EventInputs.Fields>?
  /// Three ahead: the lines of the index.
  var far: UnsafeMutablePointer<EventInputs.Fields>?

  // hot: once per event.
  @inline(__always)
  func prefetchUsers(_ writer: TableWriter) {
    if let far, far.pointee.userKey != 0 { writer.prefetchIndex(far.pointee.userKey) }
    if let middle, middle.pointee.userKey != 0 {
      middle.pointee.userHint = writer.hint(middle.pointee.userKey)
    }
  }

  @inline(__always)
  func prefetchItems(_ writer: TableWriter) {
    if let far, far.pointee.itemKey != 0 { writer.prefetchIndex(far.pointee.itemKey) }
    if let middle, middle.pointee.itemKey != 0 {
      middle.pointee.itemHint = writer.hint(middle.pointee.itemKey)
    }
  }
}

extension Example {
  /// Tells what was read of the next three events, whose owner keeps it while the event of this example is learned.
  package func expect(
    near: Unmanaged<EventInputs>?, middle: Unmanaged<EventInputs>?, far: Unmanaged<EventInputs>?
  ) {
    let coming = ComingEvents(
      near: Self.fields(near), middle: Self.fields(middle), far: Self.fields(far))
    fields.pointee.coming = coming
    guard fields.pointee.isOpen else { return }
    // Needed first of all by the next event, and far away: asked for before the present one is learned.
    if let near = coming.near {
      writers[0].prefetchRow(near.pointee.userHint)
      writers[1].prefetchRow(near.pointee.itemHint)
    }
    guard let far = coming.far else { return }
    writers[0].prefetchDirectory(far.pointee.userKey)
    writers[1].prefetchDirectory(far.pointee.itemKey)
  }

  @inline(__always)
  private static func fields(_ inputs: Unmanaged<EventInputs>?) -> UnsafeMutablePointer<EventInputs.Fields>? {
    inputs?._withUnsafeGuaranteedRef { $0.fields }
  }
}
