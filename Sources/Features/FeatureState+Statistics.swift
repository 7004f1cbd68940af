// Statistics: how a row's columns are read at a moment, how an event changes them, how it is taken back.
//
// Times may come late. A reading is never of a negative age; a late event is weighted as it would have been had it
// come in time, and moves no clock back. So the order of late events does not matter for decayed counts. With a gap, an
// event that is older than the newest by more than that belongs to an earlier session, of which the row holds nothing.
//
// A column that fades, or that starts again after a gap, goes by a clock of its row. Every event that moves the clock
// brings the column up to it, whether it is counted there or not: the events below a rate's line fade what stands
// above, and an event without a label begins a session for the means of labels, too. Columns that share a clock share
// the factor that they fade by.

internal import Configuration
internal import Primitives
internal import Tables

extension FeatureState {
  /// The mean over the group's rows, as Float; NaN: absent.
  @inline(__always)
  func statistic(_ place: Int, _ example: Example) -> Float {
    let read = plan.statistics[place]
    let start = Int(example.rowStart[Int(read.group)])
    let count = Int(example.rowCount[Int(read.group)])
    var sum = 0.0
    var present = 0
    for index in start..<start + count {
      let found = example.rows + index
      let value = Self.value(
        read, found.pointee.row ?? plan.zeroRow.pointer, example.timeNanos, &found.pointee.fading)
      if !value.isNaN {
        sum += value
        present += 1
      }
    }
    guard present > 0 else { return .nan }
    let value = Float(present == 1 ? sum : sum / Double(present))
    return value.isFinite ? value : .nan
  }

  /// The session that an event at this moment would belong to; -1: no key.
  func session(_ place: Int, _ example: Example) -> Int64 {
    let read = plan.statistics[place]
    guard example.rowCount[Int(read.group)] > 0 else { return -1 }
    guard let row = example.rows[Int(example.rowStart[Int(read.group)])].row else { return 0 }
    return Int64(row.word32(read.column)) + (Self.isOver(read, row, example.timeNanos) ? 1 : 0)
  }

  @inline(__always)
  private static func isOver(_ read: StatisticRead, _ row: UnsafePointer<Float>, _ now: Int64) -> Bool {
    let last = Int64(bitPattern: row.word64(read.last))
    return last != 0 && isOver(last, read.gapNanos, now)
  }

  @inline(__always)
  private static func value(
    _ read: StatisticRead, _ row: UnsafePointer<Float>, _ now: Int64, _ fading: inout Fading
  ) -> Double {
    if read.gapNanos > 0, isOver(read, row, now) {
      // The gap has ended what the row holds.
      switch read.kind {
      case .count, .decayed: return 0
      case .rate, .mean, .square: return read.shrinkage > 0 ? read.prior : .nan
      case .ewmean, .last, .recency, .age, .interval, .session: return .nan
      }
    }
    switch read.kind {
    case .count: return Double(row.word32(read.column))
    case .decayed: return Double(row[Int(read.column)]) * decay(read, row, now, &fading)
    case .rate:
      let factor = decay(read, row, now, &fading)
      let above = Double(row[Int(read.column)]) * factor
      let below = Double(row[Int(read.second)]) * factor
      return (above + read.prior * read.shrinkage) / (below + read.shrinkage)
    case .mean, .square:
      let count = Double(row.word32(read.second))
      if count + read.shrinkage == 0 { return .nan }
      let sum = Double(bitPattern: row.word64(read.column))
      return (sum + read.prior * read.shrinkage) / (count + read.shrinkage)
    case .ewmean: return row.word32(read.column + 1) == 0 ? .nan : Double(row[Int(read.column)])
    case .last: return row.word64(read.column + 1) == 0 ? .nan : Double(row[Int(read.column)])
    case .recency, .age:
      let then = Int64(bitPattern: row.word64(read.column))
      return then == 0 ? .nan : seconds(from: then, to: now)
    case .interval:
      let first = Int64(bitPattern: row.word64(read.column))
      let count = Double(row.word32(read.second))
      return first == 0 || count == 0 ? .nan : seconds(from: first, to: now) / count
    case .session: return .nan
    }
  }

  @inline(__always)
  private static func decay(
    _ read: StatisticRead, _ row: UnsafePointer<Float>, _ now: Int64, _ fading: inout Fading
  ) -> Double {
    guard read.halvings > 0 else { return 1 }
    let last = Int64(bitPattern: row.word64(read.last))
    guard last != 0, last < now else { return 1 }
    return fading.factor(from: last, to: now, halvings: read.halvings)
  }

  /// Not negative.
  @inline(__always)
  static func seconds(from then: Int64, to now: Int64) -> Double {
    max(0, (Double(now) - Double(then)) * 1e-9)
  }

  // MARK: Changing

  /// Changes one row by an event of type `bit`; `sign` -1 takes it back.
  static func change(
    _ plan: FeaturePlan, _ range: GroupRange, _ row: UnsafeMutablePointer<Float>, _ bit: UInt64,
    _ example: Example, _ fading: inout Fading, sign: Int
  ) {
    let now = example.timeNanos
    let hasLabel = example.hasLabel
    for index in range.first..<range.first + range.count {
      let update = plan.updates.pointer + index
      guard update.pointee.types & bit != 0 else { continue }
      let isCounted = update.pointee.counted & bit != 0 && (!update.pointee.needsLabel || hasLabel)
      let target = target(of: update, example)
      if sign > 0 {
        if isCounted || update.pointee.last >= 0 { apply(update, row, now, target, isCounted, &fading) }
      } else if isCounted {
        takeBack(update.pointee, row, now, target)
      }
    }
  }

  /// Counts in one row the label of an event that it was changed by without.
  static func changeLabel(
    _ plan: FeaturePlan, _ range: GroupRange, _ row: UnsafeMutablePointer<Float>, _ bit: UInt64,
    _ example: Example
  ) {
    for index in range.first..<range.first + range.count {
      let update = plan.updates.pointer + index
      guard update.pointee.needsLabel, update.pointee.counted & bit != 0 else { continue }
      // No mean of labels fades.
      var fading = Fading()
      apply(update, row, example.timeNanos, target(of: update, example), true, &fading)
    }
  }

  @inline(__always)
  private static func target(of update: UnsafePointer<ColumnUpdate>, _ example: Example) -> Double {
    update.pointee.target < 0 ? 1 : example.targets[Int(update.pointee.target)]
  }

  @inline(__always)
  private static func apply(
    _ update: UnsafePointer<ColumnUpdate>, _ row: UnsafeMutablePointer<Float>, _ now: Int64, _ target: Double,
    _ isCounted: Bool, _ fading: inout Fading
  ) {
    let column = update.pointee.column
    let last = update.pointee.last < 0 ? 0 : Int64(bitPattern: row.word64(update.pointee.last))
    if update.pointee.gapNanos > 0, last != 0 {
      if isOver(last, update.pointee.gapNanos, now) { startAgain(update.pointee, row) }
      if isOver(now, update.pointee.gapNanos, last) { return }
    }
    if case .decayed = update.pointee.code {
      let amount = isCounted ? 1.0 : 0
      row[Int(column)] = Float(
        fading.sum(Double(row[Int(column)]), as: last, amount, as: now, halvings: update.pointee.halvings))
      return
    }
    guard isCounted else { return }
    switch update.pointee.code {
    case .count:
      let count = row.word32(column)
      row.set(column, count == .max ? count : count + 1)
    case .sum:
      let sum = Double(bitPattern: row.word64(column)) + (update.pointee.isSquared ? target * target : target)
      if sum.isFinite { row.set(column, sum.bitPattern) }
    case .ewmean:
      let count = row.word32(column + 1)
      let old = Double(row[Int(column)])
      let rate = update.pointee.rate(after: count)
      row[Int(column)] = finite(old + rate * (target - old))
      row.set(column + 1, count == .max ? count : count + 1)
    case .last:
      let newest = Int64(bitPattern: row.word64(column + 1))
      guard newest == 0 || now >= newest else { break }
      row[Int(column)] = finite(target)
      row.set(column + 1, moment(now))
    case .first:
      let first = Int64(bitPattern: row.word64(column))
      if first == 0 || now < first { row.set(column, moment(now)) }
    case .time:
      let newest = Int64(bitPattern: row.word64(column))
      if newest == 0 || now > newest { row.set(column, moment(now)) }
    case .decayed, .session: break
    }
  }

  /// The column as of a new session.
  @inline(never)
  private static func startAgain(_ update: ColumnUpdate, _ row: UnsafeMutablePointer<Float>) {
    let column = update.column
    switch update.code {
    case .count, .decayed: row.set(column, 0 as UInt32)
    case .sum, .ewmean, .first: row.set(column, 0 as UInt64)
    case .last: row.set(column + 1, 0 as UInt64)
    case .session: row.set(column, row.word32(column) &+ 1)
    case .time: break
    }
  }

  /// Between the two moments lies more than the gap.
  @inline(__always)
  private static func isOver(_ then: Int64, _ gapNanos: Int64, _ now: Int64) -> Bool {
    now > then && now.subtractingReportingOverflow(then).partialValue > gapNanos
  }

  /// As a row keeps it: 0 stands for never.
  @inline(__always)
  private static func moment(_ nanos: Int64) -> UInt64 { UInt64(bitPattern: nanos == 0 ? 1 : nanos) }

  @inline(__always)
  private static func finite(_ value: Double) -> Float {
    let float = Float(value)
    return float.isFinite ? float : 0
  }

  /// Counts and sums are corrected; what cannot be undone (exponential means, the newest value, clocks, sessions)
  /// stays until a replay.
  @inline(never)
  private static func takeBack(
    _ update: ColumnUpdate, _ row: UnsafeMutablePointer<Float>, _ then: Int64, _ target: Double
  ) {
    let column = update.column
    let last = update.last < 0 ? 0 : Int64(bitPattern: row.word64(update.last))
    if update.gapNanos > 0, last != 0, isOver(then, update.gapNanos, last) { return }
    switch update.code {
    case .count: row.set(column, row.word32(column) == 0 ? 0 : row.word32(column) - 1)
    case .decayed:
      let amount =
        update.halvings > 0 && last != 0
        ? Numerics.exp2(-seconds(from: then, to: last) * update.halvings) : 1
      row[Int(column)] = Float(max(0, Double(row[Int(column)]) - amount))
    case .sum:
      let old = Double(bitPattern: row.word64(column))
      let sum = old - (update.isSquared ? target * target : target)
      if sum.isFinite { row.set(column, (update.isSquared ? max(0, sum) : sum).bitPattern) }
    case .ewmean, .last, .first, .time, .session: break
    }
  }
}
