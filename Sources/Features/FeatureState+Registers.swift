// Runs the plan's operations: from attributes, context, time and rows to registers.
//
// hot: no allocation, no retain per element, no call through an existential.

internal import Configuration
internal import Primitives
internal import Tables
internal import Wire

extension FeatureState {
  /// Points the example at this state's rows. They are valid as long as this state is neither changed nor gone.
  @inline(__always)
  func attach(_ example: Example) {
    var place = 0
    for index in groups.indices {
      groups[index].withReader { (example.readers + place).initialize(to: $0) }
      place += 1
    }
    attachHistories(example)
  }

  /// Points the example at this state's rows as they will be changed.
  mutating func open(_ example: Example) {
    for group in 0..<plan.ranges.count { open(group, example) }
    attachHistories(example)
  }

  private mutating func open(_ group: Int, _ example: Example) {
    groups[group].withWriter { writer in
      (example.writers + group).initialize(to: writer)
      (example.readers + group).initialize(to: TableReader(writer))
    }
  }

  @inline(__always)
  private func attachHistories(_ example: Example) {
    var place = groups.count
    for index in histories.indices {
      histories[index].withReader { (example.readers + place).initialize(to: $0) }
      place += 1
    }
  }

  /// Asks for the memory of a request's user: stage 0 for where its row stands, stage 1, a little later, for the row.
  @inline(__always)
  package func prefetch(userKey: UInt64, stage: Int) { prefetch(0, userKey, stage) }

  /// The same for an item that will be a candidate.
  @inline(__always)
  package func prefetch(itemKey: UInt64, stage: Int) { prefetch(1, itemKey, stage) }

  private func prefetch(_ group: Int, _ key: UInt64, _ stage: Int) {
    guard key != 0 else { return }
    groups[group].withReader { stage == 0 ? $0.prefetchIndex(key) : $0.prefetchRow(key) }
  }

  /// Finds the entity's row and what its id's hash is now.
  @inline(__always)
  func fetch(
    _ group: Int, _ key: UInt64, _ hint: RowHint, _ example: Example
  ) -> (row: UnsafePointer<Float>?, key: UInt64) {
    let top = example.fields.pointee.rowTop
    example.rowStart[group] = Int32(truncatingIfNeeded: top)
    guard key != 0 else {
      example.rowCount[group] = 0
      return (nil, 0)
    }
    example.rowCount[group] = 1
    example.fields.pointee.rowTop = top &+ 1
    let found = example.rows + top
    found.pointee = FoundRow(key, example.readers[group], hint)
    guard let row = found.pointee.row else { return (nil, key) }
    return (row, EntityRow.effectiveKey(key, EntityRow.flags(row)))
  }

  /// Runs the operations of one scope in order.
  func run(_ scope: Scope, _ example: Example) {
    let operations = plan.operations[scope]
    for index in 0..<operations.count {
      let operation = operations[index]
      switch operation.code {
      case .userID: single(example, operation.out, example.userHash)
      case .itemID: single(example, operation.out, example.itemHash)
      case .type: single(example, operation.out, example.type < 0 ? 0 : plan.types[example.type].nameHash)
      case .origin: single(example, operation.out, example.fields.pointee.originKey)
      case .hour: single(example, operation.out, CategoryHash.of(Moment.hour(example.timeNanos)))
      case .weekday: single(example, operation.out, CategoryHash.of(Moment.weekday(example.timeNanos)))
      case .entityCategory, .entityCategories, .entityNumber: entity(operation, example)
      case .contextCategories, .contextNumber: context(operation, example)
      case .history: history(operation, example)
      case .rows: rows(operation, example)
      case .statistic: example.numbers[Int(operation.out)] = statistic(Int(operation.a), example)
      case .session:
        let session = self.session(Int(operation.a), example)
        single(example, operation.out, session < 0 ? 0 : CategoryHash.of(session))
      case .transform:
        example.numbers[Int(operation.out)] = transform(
          Int(operation.a), example.numbers[Int(operation.b)])
      case .bucketise, .step, .within: bucket(operation, example)
      case .set: set(operation, example)
      }
    }
  }

  @inline(__always)
  private func single(_ example: Example, _ register: Int32, _ hash: UInt64) {
    example.begin(register)
    if hash != 0 { example.push(hash, to: register) }
  }

  private func entity(_ operation: Operation, _ example: Example) {
    let side = Int(operation.b)
    let place = Int(operation.a)
    if side == 0, example.fields.pointee.hasUserOverride {
      return override(operation, example.userOverride.view, example)
    }
    let row = side == 0 ? example.fields.pointee.userRow : example.fields.pointee.itemRow
    switch operation.code {
    case .entityNumber:
      let missing = side == 0 ? plan.userMissing[place] : plan.itemMissing[place]
      if let row, EntityRow.isPresent(row, place) {
        example.numbers[Int(operation.out)] = row[Int(operation.c)]
      } else {
        example.numbers[Int(operation.out)] = missing
      }
    case .entityCategory:
      example.begin(operation.out)
      if let row, EntityRow.isPresent(row, place) { example.push(row.word64(operation.c), to: operation.out) }
    default:
      example.begin(operation.out)
      let record = side == 0 ? example.fields.pointee.userRecord : example.fields.pointee.itemRecord
      guard let record else { return }
      let (hashes, count) = EntityRecord.hashes(record, place)
      for index in 0..<count {
        example.push(hashes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self), to: operation.out)
      }
    }
  }

  private func override(_ operation: Operation, _ buffer: ContextView, _ example: Example) {
    let place = Int(operation.a)
    if operation.code == .entityNumber {
      let number = buffer.number[place]
      example.numbers[Int(operation.out)] = number.isNaN ? plan.userMissing[place] : number
    } else {
      copy(buffer, place, operation.out, example)
    }
  }

  @inline(__always)
  private func copy(_ buffer: ContextView, _ place: Int, _ register: Int32, _ example: Example) {
    example.begin(register)
    let start = Int(buffer.start[place])
    for index in 0..<Int(buffer.count[place]) {
      example.push(buffer.hashes[start + index], to: register)
    }
  }

  /// A candidate's own context goes before the request's.
  private func context(_ operation: Operation, _ example: Example) {
    let place = Int(operation.a)
    var buffer = example.fields.pointee.context
    if example.fields.pointee.hasCandidateContext {
      let own = example.candidateContext.view
      if own.count[place] > 0 || !own.number[place].isNaN { buffer = own }
    }
    if operation.code == .contextNumber {
      let number = buffer.number[place]
      example.numbers[Int(operation.out)] = number.isNaN ? plan.contextMissing[place] : number
    } else {
      copy(buffer, place, operation.out, example)
    }
  }

  /// Newest first, each once.
  private func history(_ operation: Operation, _ example: Example) {
    example.begin(operation.out)
    guard example.userKey != 0,
      let row = example.readers[groups.count + Int(operation.a)].find(example.userKey)
    else { return }
    let length = (histories[Int(operation.a)].layout.weights - 2) / 2
    HistoryRow.forEach(row, length: length) { item in
      if !example.categories(operation.out).contains(item) { example.push(item, to: operation.out) }
    }
  }

  /// The keys of a group's rows: its seed with each tuple of its sources' values.
  private func rows(_ operation: Operation, _ example: Example) {
    let group = Int(operation.a)
    let first = example.fields.pointee.rowTop
    example.rowStart[group] = Int32(truncatingIfNeeded: first)
    example.rows[first].key = plan.ranges[group].seed
    var count = 1
    for place in 0..<Int(operation.c) {
      let values = example.categories(plan.operands[Int(operation.b) + place])
      guard values.count > 0 else {
        example.rowCount[group] = 0
        return
      }
      // Each key so far with each value, from the back, so that they can grow in place.
      let used = min(values.count, Example.rowsPerGroup / count)
      for key in stride(from: count - 1, through: 0, by: -1) {
        let base = example.rows[first + key].key
        for value in stride(from: used - 1, through: 0, by: -1) {
          example.rows[first + key * used + value].key = StableHash.combine(base, values[value])
        }
      }
      count *= used
    }
    let reader = example.readers[group]
    for index in first..<first + count {
      example.rows[index] = FoundRow(example.rows[index].key, reader, .none)
    }
    example.rowCount[group] = Int32(count)
    example.fields.pointee.rowTop = first + count
  }

  // MARK: Numbers

  @inline(__always)
  private func transform(_ place: Int, _ input: Float) -> Float {
    let transform = plan.transforms[place]
    var value = beforeStandardising(place, input)
    guard !value.isNaN else { return .nan }
    if transform.standardiser >= 0 {
      value = Float(standardisers[Int(transform.standardiser)].standardised(Double(value)))
    }
    value = (value + transform.offset) * transform.scale
    return value.isFinite ? value : .nan
  }

  /// The first half of a transform: what the online standardiser learns from.
  @inline(__always)
  func beforeStandardising(_ place: Int, _ input: Float) -> Float {
    let transform = plan.transforms[place]
    var value = input.isNaN ? transform.missing : input
    guard !value.isNaN else { return .nan }
    value = min(max(value, transform.lowest), transform.highest)
    if transform.log1p {
      let size = Float(Numerics.log1p(Double(abs(value))))
      value = value < 0 ? -size : size
    }
    if transform.sqrt { value = value < 0 ? -(-value).squareRoot() : value.squareRoot() }
    return value
  }

  private func bucket(_ operation: Operation, _ example: Example) {
    let number = example.numbers[Int(operation.b)]
    let first = Int(operation.a)
    switch operation.code {
    case .within:
      let isWithin = number >= plan.boundaries[first] && number <= plan.boundaries[first + 1]
      example.numbers[Int(operation.out)] = number.isNaN ? .nan : isWithin ? 1 : 0
    case .step:
      guard !number.isNaN else { return single(example, operation.out, 0) }
      single(example, operation.out, CategoryHash.of(Self.step(number, of: plan.boundaries[first])))
    default:
      guard !number.isNaN else { return single(example, operation.out, 0) }
      var bucket = 0
      while bucket < Int(operation.c), plan.boundaries[first + bucket] <= number { bucket += 1 }
      single(example, operation.out, CategoryHash.of(Int64(bucket)))
    }
  }

  /// How many whole steps of this width a number that is one holds.
  @inline(__always)
  static func step(_ number: Float, of width: Float) -> Int64 {
    Int64(min(max((number / width).rounded(.down), -0x1p62), 0x1p62))
  }

  /// The same for every order of the values.
  private func set(_ operation: Operation, _ example: Example) {
    var sum: UInt64 = 0
    let values = example.categories(operation.b)
    for value in values { sum &+= CounterRandom.mix(value) }
    single(example, operation.out, values.isEmpty ? 0 : CounterRandom.mix(sum &+ UInt64(values.count)))
  }
}

/// The calendar in UTC.
enum Moment {
  /// 0 to 23.
  static func hour(_ nanos: Int64) -> Int64 { modulo(floorDivide(nanos, 3_600_000_000_000), 24) }

  /// 0 Monday to 6 Sunday; 1970-01-01 was a Thursday.
  static func weekday(_ nanos: Int64) -> Int64 { modulo(floorDivide(nanos, 86_400_000_000_000) + 3, 7) }

  private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    value % divisor < 0 ? value / divisor - 1 : value / divisor
  }

  private static func modulo(_ value: Int64, _ divisor: Int64) -> Int64 {
    value % divisor < 0 ? value % divisor + divisor : value % divisor
  }
}

/// Categories that are numbers: buckets, hours, sessions.
enum CategoryHash {
  /// Never 0, which stands for none.
  @inline(__always)
  static func of(_ value: Int64) -> UInt64 {
    CounterRandom.mix(UInt64(bitPattern: value) &+ 0xA076_1D64_78BD_642F) | 1
  }
}
