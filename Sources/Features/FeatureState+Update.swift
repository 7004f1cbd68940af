// What an event changes, after it was learned; and what a retraction takes back.

internal import Configuration
internal import Primitives
internal import Tables
package import Wire

extension FeatureState {
  /// Changes statistics, histories and the catalogue by the interaction that `example` was made of, by this state,
  /// with nothing changed since. Statistics of what `minus` names are as they were before the event. Without a label
  /// (`example.hasLabel`) nothing that is made of labels counts it: that may come later, see `updateLabel`.
  package mutating func update(_ event: EventView, _ example: Example) {
    precondition(example.plan === plan && example.type >= 0, "no example of an event")
    let bit: UInt64 = 1 << UInt64(example.type)
    note(example)
    setTargets(example)
    learnMoments(example)
    let seconds = Numerics.tableSeconds(example.timeNanos)
    for group in groups.indices { change(group, bit, seconds, example, sign: 1) }
    if example.userKey != 0, example.userOrdinal == nil { admitUser(event.user, seconds, example) }
    if example.itemKey != 0, example.itemOrdinal == nil { admitItem(event.item, seconds, example) }
    if !histories.isEmpty, example.userKey != 0, example.itemKey != 0 { remember(bit, seconds, example) }
  }

  /// Counts the label of an interaction that `update` was told of without one, in the rows that are still there.
  /// - Parameter example: made of the interaction by this state, with nothing changed since.
  package mutating func updateLabel(_ example: Example) {
    precondition(example.plan === plan && example.type >= 0, "no example of an event")
    let bit: UInt64 = 1 << UInt64(example.type)
    setTargets(example)
    let plan = plan
    for group in groups.indices where plan.ranges[group].labelTypes & bit != 0 {
      let start = Int(example.rowStart[group])
      let found = UnsafeBufferPointer(start: example.rows + start, count: Int(example.rowCount[group]))
      groups[group].withWriter { writer in
        for place in found {
          guard let id = writer.find(place.key, place.hint) else { continue }
          Self.changeLabel(plan, plan.ranges[group], writer.weights(id), bit, example)
        }
      }
    }
  }

  /// Takes an earlier interaction back: counts, sums and histories that still hold it are corrected. Made as of now,
  /// so what its `minus` values were then is taken to be what they are.
  /// - Parameter counted: makes of the example what was counted then, where that is not what the event says: another value,
  ///   or no label.
  package mutating func retract(
    _ event: EventView, timeNanos: Int64, _ example: Example, as counted: (Example) -> Void = { _ in }
  ) {
    guard makeExample(event, timeNanos: timeNanos, into: example) else { return }
    counted(example)
    let bit: UInt64 = 1 << UInt64(example.type)
    setTargets(example)
    let seconds = Numerics.tableSeconds(timeNanos)
    for group in groups.indices { change(group, bit, seconds, example, sign: -1) }
    for index in histories.indices where plan.histories[index].types & bit != 0 {
      let length = plan.histories[index].length
      histories[index].withWriter { writer in
        guard let id = writer.find(example.userKey) else { return }
        HistoryRow.remove(writer.weights(id), length: length, example.itemHash)
      }
    }
  }

  private mutating func note(_ example: Example) {
    counters.unknownAttributes &+= UInt64(example.fields.pointee.unknownAttributes)
    counters.mistypedAttributes &+= UInt64(example.fields.pointee.mistypedAttributes)
    counters.omittedFeatures &+= UInt64(example.omitted)
  }

  @inline(__always)
  private func setTargets(_ example: Example) {
    for place in 0..<plan.targets.count {
      let target = plan.targets[place]
      var value = example.value
      if case .label = target.kind { value = Double(example.label) - Double(plan.labelCenter) }
      for index in 0..<target.minusCount {
        let number = example.numbers[Int(plan.operands[target.minusStart + index])]
        if !number.isNaN { value -= Double(number) }
      }
      example.targets[place] = value
    }
  }

  private mutating func learnMoments(_ example: Example) {
    guard !standardisers.isEmpty else { return }
    for scope in [Scope.user, .context, .item] {
      let operations = plan.operations[scope]
      for index in 0..<operations.count where operations[index].code == .transform {
        let place = Int(operations[index].a)
        let standardiser = plan.transforms[place].standardiser
        guard standardiser >= 0 else { continue }
        let input = beforeStandardising(place, example.numbers[Int(operations[index].b)])
        if input.isFinite { standardisers[Int(standardiser)].add(Double(input)) }
      }
    }
  }

  @inline(__always)
  private mutating func change(
    _ group: Int, _ bit: UInt64, _ seconds: UInt32, _ example: Example, sign: Int
  ) {
    let count = Int(example.rowCount[group])
    guard count > 0, group < 2 || plan.ranges[group].types & bit != 0 else { return }
    let isOpen = example.fields.pointee.isOpen
    if sign > 0, !(isOpen && example.writers[group].isPrepared(now: seconds, room: count)) {
      groups[group].prepare(now: seconds, room: count)
    }
    if isOpen {
      Self.change(plan, group, example.writers[group], bit, example, sign: sign)
    } else {
      let plan = plan
      groups[group].withWriter { Self.change(plan, group, $0, bit, example, sign: sign) }
    }
  }

  private static func change(
    _ plan: FeaturePlan, _ group: Int, _ writer: TableWriter, _ bit: UInt64, _ example: Example, sign: Int
  ) {
    if group == 0 { example.fields.pointee.coming.prefetchUsers(writer) }
    if group == 1 { example.fields.pointee.coming.prefetchItems(writer) }
    let start = Int(example.rowStart[group])
    for index in start..<start + Int(example.rowCount[group]) {
      let found = example.rows + index
      let (key, hint) = (found.pointee.key, found.pointee.hint)
      guard let id = sign > 0 ? writer.findOrInsert(key, hint) : writer.find(key, hint) else { continue }
      let row = writer.weights(id)
      if group < 2 {
        let events = row.word32(EntityRow.events)
        row.set(EntityRow.events, sign > 0 ? max(events, events &+ 1) : events - min(events, 1))
      }
      change(plan, plan.ranges[group], row, bit, example, &found.pointee.fading, sign: sign)
    }
  }

  private mutating func remember(_ bit: UInt64, _ seconds: UInt32, _ example: Example) {
    for index in histories.indices where plan.histories[index].types & bit != 0 {
      let length = plan.histories[index].length
      histories[index].prepare(now: seconds, room: 1)
      histories[index].withWriter { writer in
        guard let id = writer.findOrInsert(example.userKey) else { return }
        HistoryRow.append(writer.weights(id), length: length, example.itemHash)
      }
    }
  }

  private mutating func admitUser(_ id: ByteView, _ seconds: UInt32, _ example: Example) {
    guard let ordinal = plan.ids.withNormalized(id.bytes, { users.intern($0, now: seconds) }) else { return }
    setOrdinal(0, example.userKey, ordinal)
    example.fields.pointee.userOrdinal = ordinal
    sweep(0)
  }

  private mutating func admitItem(_ id: ByteView, _ seconds: UInt32, _ example: Example) {
    // An item that left comes back by a change of its attributes only.
    if let row = groups[1].withReader({ $0.find(example.itemKey) }),
      EntityRow.flags(row) & EntityRow.isDeleted != 0
    {
      return
    }
    guard let ordinal = plan.ids.withNormalized(id.bytes, { items.intern($0, now: seconds) }) else { return }
    setOrdinal(1, example.itemKey, ordinal)
    example.fields.pointee.itemOrdinal = ordinal
    sweep(1)
  }

  mutating func setOrdinal(_ group: Int, _ key: UInt64, _ ordinal: UInt32?) {
    groups[group].withWriter { writer in
      guard let id = writer.find(key) else { return }
      writer.weights(id).set(0, ordinal.map { $0 + 1 } ?? 0)
    }
  }

  /// Rows that made room for others leave their names and records behind; these go when a quarter as many have
  /// gathered, so that the cost is spread.
  private mutating func sweep(_ group: Int) {
    let rows = groups[group].rowCount
    let names = group == 0 ? users.count : items.count
    guard names > rows + max(1_024, rows / 4) else { return }
    var gone: [(ordinal: UInt32, key: UInt64)] = []
    let table = groups[group]
    func visit(_ ordinal: UInt32, _ name: UnsafeRawBufferPointer) {
      let key = group == 0 ? Self.userKey(name) : Self.itemKey(name)
      if !table.contains(key) { gone.append((ordinal, key)) }
    }
    (group == 0 ? users : items).forEach(visit)
    for (ordinal, key) in gone {
      if group == 0 {
        users.remove(ordinal)
        userRecords.remove(key)
      } else {
        items.remove(ordinal)
        itemRecords.remove(key)
      }
    }
  }
}
