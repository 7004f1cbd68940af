// Groups of rows and their columns: what statistics are read from, and what events change. Statistics that need
// the same column share it.

internal import Configuration
internal import Primitives

extension PlanCompiler {
  /// The group of the statistic's key, its rows fetched before the operation that follows.
  mutating func group(_ sources: [Source]) -> Int {
    let place: Int
    if let known = groupPlaces[sources] {
      place = known
    } else {
      place = groups.count
      groupPlaces[sources] = place
      let name = sources.isEmpty ? "all" : sources.map(name).joined(separator: " x ")
      groups.append(
        GroupPlan(
          name: name, sources: sources, scope: sources.map(scope).max() ?? .user,
          seed: StableHash.of("group:" + name), words: 0))
    }
    // Rows 0 and 1 are always fetched: they carry the attributes.
    guard place > 1, fetched.insert(place).inserted else { return place }
    let keys = sources.map { register($0) }
    let first = operands.count
    operands += keys
    emit(
      groups[place].scope,
      Operation(code: .rows, a: Int32(place), b: Int32(first), c: Int32(keys.count)))
    return place
  }

  func name(_ source: Source) -> String {
    switch source {
    case .user: "user"
    case .item: "item"
    case .type: "type"
    case .origin: "source"
    case .hour: "time.hour"
    case .weekday: "time.weekday"
    case .userAttribute(let index): "user." + configuration.entities.user[index].name
    case .itemAttribute(let index): "item." + configuration.entities.item[index].name
    case .contextAttribute(let index): "context." + configuration.features.context[index].name
    case .history(let index): "history." + configuration.features.histories[index].name
    case .value(let index): configuration.features.values[index].name
    }
  }

  /// The offset of a column with these properties, made if the group has none.
  mutating func column(
    _ group: Int, _ key: String, words: Int, _ update: (Int32) -> ColumnUpdate, section: ValueSection? = nil
  ) -> Int32 {
    let key = "\(group):\(key)"
    if let known = columns[key] { return known }
    let offset = Int32(groups[group].words)
    columns[key] = offset
    groups[group].words += words
    groups[group].updates.append(update(offset))
    if let section { open.append(((group, groups[group].updates.count - 1), section)) }
    return offset
  }

  mutating func statistic(_ section: ValueSection) -> Int32 {
    guard let kind = section.statistic else { preconditionFailure("no statistic") }
    let group = group(section.of.map(resolve))
    let types = mask(section.types)
    let gap = section.gap
    let halfLife = Double(section.halfLife) / 1e9
    let halvings = halfLife > 0 ? 1 / halfLife : 0
    var read = StatisticRead(kind: kind, group: Int32(group), column: 0)
    (read.gapNanos, read.halvings) = (gap, halvings)
    (read.prior, read.shrinkage) = (section.prior, section.shrinkage)
    // What moves the clock: a rate has one for what stands above the line and below.
    let clocked = kind == .rate ? types | mask(section.numerator) : types
    if gap > 0 || halfLife > 0 || kind == .recency || kind == .session {
      read.last = column(group, "time \(clocked)", words: 2) {
        ColumnUpdate(code: .time, column: $0, types: clocked)
      }
    }
    let last = read.last
    let target = "\(section.target.rawValue) - \(section.minus.joined(separator: " - "))"
    func countColumn(_ of: String) -> Int32 {
      column(group, "count \(types) \(gap) \(of)", words: 1) {
        var update = ColumnUpdate(code: .count, column: $0, types: types, last: last, gapNanos: gap)
        update.needsLabel = of == StatisticTarget.label.rawValue
        return update
      }
    }
    func decayedColumn(_ counted: UInt64) -> Int32 {
      column(group, "decayed \(counted) \(halfLife) \(gap) \(last)", words: 1) {
        ColumnUpdate(
          code: .decayed, column: $0, types: last < 0 ? counted : clocked, counted: counted, last: last,
          gapNanos: gap, halvings: halvings)
      }
    }
    switch kind {
    case .count: read.column = countColumn("")
    case .decayed: read.column = decayedColumn(types)
    case .rate:
      read.column = decayedColumn(mask(section.numerator))
      read.second = decayedColumn(types)
    case .mean, .square:
      read.column = column(
        group, "\(kind) \(types) \(gap) \(target)", words: 2,
        {
          ColumnUpdate(
            code: .sum, column: $0, types: types, last: last, gapNanos: gap, isSquared: kind == .square)
        }, section: section)
      read.second = countColumn(section.target.rawValue)
    case .ewmean:
      read.column = column(
        group, "ew \(types) \(gap) \(target) \(section.rate) \(section.warmup)", words: 2,
        {
          ColumnUpdate(
            code: .ewmean, column: $0, types: types, last: last, gapNanos: gap, rate: section.rate,
            warmup: section.warmup)
        }, section: section)
    case .last:
      read.column = column(
        group, "last \(types) \(gap) \(target)", words: 3,
        {
          ColumnUpdate(code: .last, column: $0, types: types, last: last, gapNanos: gap)
        }, section: section)
    case .recency: read.column = last
    case .age, .interval:
      read.column = column(group, "first \(types) \(gap)", words: 2) {
        ColumnUpdate(code: .first, column: $0, types: types, last: last, gapNanos: gap)
      }
      if kind == .interval { read.second = countColumn("") }
    case .session:
      read.column = column(group, "session \(types) \(gap)", words: 1) {
        ColumnUpdate(code: .session, column: $0, types: types, last: last, gapNanos: gap)
      }
    }
    statistics.append(read)
    return Int32(statistics.count - 1)
  }

  mutating func compileTarget(_ update: (group: Int, place: Int), _ section: ValueSection) {
    let minus = section.minus.map { register(resolve($0)) }
    let known = targets.firstIndex {
      $0.kind == section.target
        && operands[$0.minusStart..<$0.minusStart + $0.minusCount].elementsEqual(minus)
    }
    let place = known ?? targets.count
    if known == nil {
      targets.append(TargetPlan(kind: section.target, minusStart: operands.count, minusCount: minus.count))
      operands += minus
    }
    groups[update.group].updates[update.place].target = Int32(place)
    groups[update.group].updates[update.place].needsLabel = section.target == .label
  }
}
