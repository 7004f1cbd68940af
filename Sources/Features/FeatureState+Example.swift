// Makes examples: from an event for learning, from a request for scoring. Both read this state as it is.
//
//   event      begin ─ run(user) ─ run(context) ─ run(item) ─ label
//   request    begin ─ run(user) ─ run(context) ─┬─ candidate: rewind ─ run(item)
//                                                └─ candidate: rewind ─ run(item) ─ …
//
// hot: no allocation, no retain per element, no call through an existential.

internal import Configuration
internal import Primitives
internal import Tables
package import Wire

extension FeatureState {
  /// Makes the example of an interaction, as of before it: `example.hasLabel` tells whether it is to be learned.
  /// - Parameter timeNanos: when it happened; the log's time of acceptance where the event says none.
  /// - Returns: false when the event makes no example and changes no statistic: it is no interaction, or of a type
  ///   that the configuration does not name.
  @discardableResult
  package func makeExample(_ event: EventView, timeNanos: Int64, into example: Example) -> Bool {
    example.inputs.read(event)
    attach(example)
    return make(event, timeNanos, example.inputs, example)
  }

  /// The same for an event that `update` will be told of next.
  /// - Parameter inputs: what was read of the same event ahead of time; nil: it is read now.
  package mutating func makeExample(
    learning event: EventView, timeNanos: Int64, inputs: Unmanaged<EventInputs>? = nil, into example: Example
  ) -> Bool {
    open(example)
    guard let inputs else {
      example.inputs.read(event)
      return make(event, timeNanos, example.inputs, example) && example.markOpen()
    }
    return inputs._withUnsafeGuaranteedRef { make(event, timeNanos, $0, example) } && example.markOpen()
  }

  /// Asks for the memory that the names of a new user and a new item will need, as most are spelled.
  @inline(never)
  private func expectNames(_ event: EventView, _ example: Example) {
    if example.userKey != 0, example.userOrdinal == nil { users.expect(event.user.bytes) }
    if example.itemKey != 0, example.itemOrdinal == nil { items.expect(event.item.bytes) }
  }

  private func make(
    _ event: EventView, _ timeNanos: Int64, _ inputs: EventInputs, _ example: Example
  ) -> Bool {
    let type = inputs.fields.pointee.type
    guard type >= 0 else { return false }
    let userKey = inputs.fields.pointee.userKey
    example.fields.pointee.hasUserOverride = false
    start(
      userKey, inputs.fields.pointee.userHint, timeNanos, inputs.context.view, inputs.outright, example)
    // A user who was forgotten has other keys than the event says.
    example.fields.pointee.hasKeys = example.userHash == userKey
    inputs.outright.known[KnownPlace.user] = example.userHash
    example.fields.pointee.type = type
    example.fields.pointee.originKey = inputs.fields.pointee.originKey
    example.fields.pointee.unknownAttributes = inputs.context.unknown
    example.fields.pointee.mistypedAttributes = inputs.context.mistyped
    example.fields.pointee.unsoundNumbers = inputs.context.unsound
    label(event, type, example)
    shared(example, isEmitted: example.hasLabel)
    candidate(
      inputs.fields.pointee.itemKey, inputs.fields.pointee.itemHint, example, isEmitted: example.hasLabel)
    if example.userOrdinal == nil || example.itemOrdinal == nil { expectNames(event, example) }
    return true
  }

  private func label(_ event: EventView, _ type: Int, _ example: Example) {
    let plan = plan.types[type]
    let value = event.hasValue && event.value.isFinite ? event.value : plan.defaultValue
    example.fields.pointee.value = value.isNaN ? 1 : value
    example.fields.pointee.hasLabel = !value.isNaN
    switch plan.label {
    case .none:
      example.fields.pointee.hasLabel = false
      example.fields.pointee.label = 0
    case .value:
      example.fields.pointee.label = min(
        max(Float(example.value), self.plan.labelMinimum), self.plan.labelMaximum)
    case .threshold: example.fields.pointee.label = example.value >= plan.threshold ? 1 : 0
    case .positive: example.fields.pointee.label = self.plan.labelMaximum
    case .negative: example.fields.pointee.label = self.plan.labelMinimum
    }
    let weight = plan.weight * event.weight
    example.fields.pointee.weight =
      weight.isFinite && weight > 0 ? min(weight, Example.maximumWeight) : 0
  }

  /// Begins a request: the user's and the request's part, made once.
  /// - Parameters:
  ///   - user: empty: nobody.
  ///   - context: facts that hold for all candidates; see also `Example.addContext`.
  package func beginRequest(
    user: ByteView?, timeNanos: Int64, context: AttributeViews?, into example: Example
  ) {
    example.resetBuffers()
    if let context, context.count > 0 { example.requestContext.add(context) }
    beginRequest(userKey: user.map { plan.userKey($0) } ?? 0, timeNanos: timeNanos, into: example)
  }

  /// Begins a request whose context (and attributes of an unknown user) were put into the example's buffers before,
  /// after `Example.resetBuffers`.
  package func beginRequest(userKey: UInt64, timeNanos: Int64, into example: Example) {
    begin(userKey, timeNanos, example.requestContext.view, example)
  }

  /// Begins a request in the circumstances of the event that the example was made of.
  package func beginRequest(beside example: Example) {
    begin(example.userKey, example.timeNanos, example.fields.pointee.context, example)
  }

  private func begin(_ userKey: UInt64, _ timeNanos: Int64, _ context: ContextView, _ example: Example) {
    attach(example)
    start(userKey, .none, timeNanos, context, example.outright, example)
    for place in 0..<KnownPlace.attributes { example.outright.known[place] = 0 }
    example.outright.known[KnownPlace.user] = example.userHash
    example.outright.setContext(context, count: plan.context.count)
    shared(example, isEmitted: true)
  }

  /// Makes the example of one candidate of the request that was begun.
  /// - Parameter context: facts that hold for this candidate only.
  package func makeCandidate(_ item: ByteView, context: AttributeViews? = nil, into example: Example) {
    makeCandidate(
      itemKey: plan.itemKey(item), context: context, into: example)
  }

  /// The same for an item whose hash is known; 0: no item.
  package func makeCandidate(itemKey: UInt64, context: AttributeViews? = nil, into example: Example) {
    if let context, context.count > 0 {
      example.candidateContext.reset()
      example.candidateContext.add(context)
      example.fields.pointee.hasCandidateContext = true
      remake(example)
    } else if example.fields.pointee.hasCandidateContext {
      example.fields.pointee.hasCandidateContext = false
      remake(example)
    } else {
      example.rewind(to: example.fields.pointee.contextMark)
    }
    candidate(itemKey, .none, example, isEmitted: true)
  }

  /// The request's part again, with or without a candidate's own context.
  private func remake(_ example: Example) {
    example.rewind(to: example.fields.pointee.userMark)
    example.outright.setContext(example.fields.pointee.context, count: plan.context.count)
    if example.fields.pointee.hasCandidateContext {
      for place in 0..<plan.context.count where example.candidateContext.view.count[place] > 0 {
        example.outright.known[KnownPlace.attributes + place] = example.candidateContext.view.hashes[place]
      }
    }
    run(.context, example)
    emit(.context, example)
    example.fields.pointee.contextMark = example.mark
    example.fields.pointee.sharedCount =
      example.fields.pointee.hasCandidateContext ? example.fields.pointee.userMark.count : example.count
  }

  // MARK: Parts

  @inline(__always)
  private func start(
    _ userKey: UInt64, _ hint: RowHint, _ timeNanos: Int64, _ context: ContextView, _ outright: OutrightKeys,
    _ example: Example
  ) {
    precondition(example.plan === plan, "an example of another configuration")
    let hasOverride = example.fields.pointee.hasUserOverride
    example.fields.pointee = Example.Fields(context: context, outright: outright)
    example.fields.pointee.hasUserOverride = hasOverride
    example.fields.pointee.timeNanos = timeNanos
    example.fields.pointee.userKey = userKey
    let (row, hash) = fetch(0, userKey, hint, example)
    example.fields.pointee.userRow = row
    example.fields.pointee.userHash = hash
    example.fields.pointee.userOrdinal = row.flatMap(EntityRow.ordinal)
    if plan.user.hasRecordFeatures, let row, EntityRow.flags(row) & EntityRow.hasRecord != 0 {
      example.fields.pointee.userRecord = userRecords.withBytes(userKey) { $0?.baseAddress }
    }
  }

  private func shared(_ example: Example, isEmitted: Bool) {
    run(.user, example)
    if isEmitted { emit(.user, example) }
    example.fields.pointee.userMark = example.mark
    run(.context, example)
    if isEmitted { emit(.context, example) }
    example.fields.pointee.contextMark = example.mark
    example.fields.pointee.sharedCount = example.count
  }

  private func candidate(_ itemKey: UInt64, _ hint: RowHint, _ example: Example, isEmitted: Bool) {
    example.fields.pointee.itemKey = itemKey
    let (row, hash) = fetch(1, itemKey, hint, example)
    example.fields.pointee.itemRow = row
    example.fields.pointee.itemHash = hash
    example.fields.pointee.itemOrdinal = row.flatMap(EntityRow.ordinal)
    example.fields.pointee.outright.known[KnownPlace.item] = hash
    if hash != itemKey { example.fields.pointee.hasKeys = false }
    example.fields.pointee.itemRecord = nil
    if plan.item.hasRecordFeatures, let row, EntityRow.flags(row) & EntityRow.hasRecord != 0 {
      example.fields.pointee.itemRecord = itemRecords.withBytes(itemKey) { $0?.baseAddress }
    }
    run(.item, example)
    if isEmitted { emit(.item, example) }
  }

  // MARK: Features

  private func emit(_ scope: Scope, _ example: Example) {
    if !example.fields.pointee.hasKeys { example.fields.pointee.outright.make(plan.runs[scope], plan) }
    let steps = plan.emission[scope]
    for index in 0..<steps.count {
      if steps[index].run >= 0 {
        example.add(run: steps[index].run)
      } else {
        emit(plan.templates[steps[index].template], example)
      }
    }
    let dense = plan.dense[scope]
    for index in 0..<dense.count { emit(dense[index], example) }
  }

  @inline(__always)
  private func emit(_ template: TemplatePlan, _ example: Example) {
    var value: Float = 1
    if template.times >= 0 {
      value = example.numbers[Int(template.times)]
      guard !value.isNaN, value != 0 else { return }
    }
    let first = example.categories(template.registers[0])
    guard first.count > 0 else { return }
    if template.registerCount == 1 {
      value *= Self.share(first.count, template.normalisation)
      for hash in first { example.add(StableHash.combine(template.seed, hash), value, template.slot) }
      return
    }
    cross(template, first, value, example)
  }

  private func cross(
    _ template: TemplatePlan, _ first: UnsafeBufferPointer<UInt64>, _ value: Float, _ example: Example
  ) {
    let second = example.categories(template.registers[1])
    guard second.count > 0 else { return }
    let empty = UnsafeBufferPointer<UInt64>(start: nil, count: 0)
    let third = template.registerCount > 2 ? example.categories(template.registers[2]) : empty
    let fourth = template.registerCount > 3 ? example.categories(template.registers[3]) : empty
    if template.registerCount > 2, third.count == 0 { return }
    if template.registerCount > 3, fourth.count == 0 { return }
    let count = first.count * second.count * max(1, third.count) * max(1, fourth.count)
    let share = value * Self.share(count, template.normalisation)
    for one in first {
      let oneKey = StableHash.combine(template.seed, one)
      for two in second {
        let twoKey = StableHash.combine(oneKey, two)
        if template.registerCount == 2 {
          guard example.add(twoKey, share, template.slot) else { return }
          continue
        }
        for three in third {
          let threeKey = StableHash.combine(twoKey, three)
          if template.registerCount == 3 {
            guard example.add(threeKey, share, template.slot) else { return }
            continue
          }
          for four in fourth {
            guard example.add(StableHash.combine(threeKey, four), share, template.slot) else { return }
          }
        }
      }
    }
  }

  @inline(__always)
  private static func share(_ count: Int, _ normalisation: Normalisation) -> Float {
    switch normalisation {
    case .none: 1
    case .sqrt: count == 1 ? 1 : 1 / Float(count).squareRoot()
    case .count: 1 / Float(count)
    }
  }

  @inline(__always)
  private func emit(_ dense: DensePlan, _ example: Example) {
    guard dense.dimension == 0 else { return vector(dense, example) }
    var product = example.numbers[Int(plan.operands[dense.factorStart])]
    for index in 1..<max(1, dense.factorCount) {
      product *= example.numbers[Int(plan.operands[dense.factorStart + index])]
    }
    example.dense[Int(dense.place)] = product.isFinite ? product : 0
  }

  private func vector(_ dense: DensePlan, _ example: Example) {
    let target = example.dense + Int(dense.place)
    target.update(repeating: 0, count: dense.dimension)
    if dense.vectorSide == 2 || (dense.vectorSide == 0 && example.fields.pointee.hasUserOverride) {
      var buffer = dense.vectorSide == 0 ? example.userOverride.view : example.fields.pointee.context
      if dense.vectorSide == 2, example.fields.pointee.hasCandidateContext,
        example.candidateContext.view.count[dense.vectorPlace] > 0
      {
        buffer = example.candidateContext.view
      }
      guard buffer.count[dense.vectorPlace] > 0 else { return }
      let start = Int(buffer.start[dense.vectorPlace])
      for index in 0..<dense.dimension { target[index] = finite(buffer.vectors[start + index]) }
      return
    }
    guard
      let record = dense.vectorSide == 0
        ? example.fields.pointee.userRecord : example.fields.pointee.itemRecord
    else { return }
    let (floats, count) = EntityRecord.hashes(record, dense.vectorPlace)
    for index in 0..<min(count, dense.dimension) {
      target[index] = finite(floats.loadUnaligned(fromByteOffset: 4 * index, as: Float.self))
    }
  }

  @inline(__always)
  private func finite(_ value: Float) -> Float { value.isFinite ? value : 0 }
}
