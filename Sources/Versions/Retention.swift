// Which versions may go: a pure function of the registry, the policy and the time, so that it can be tested
// and shown (`--dry-run`) before anything is deleted.

package import Configuration
package import Learning

package struct RetentionPolicy: Equatable, Sendable {
  /// The newest so many are kept. The head's versions are counted by themselves: candidates and imports, which a start
  /// cannot begin with, push none of them out.
  package var last: Int
  /// The newest of each of the last so many hours, days and weeks (in which there are any) is kept.
  package var hourly: Int
  package var daily: Int
  package var weekly: Int
  /// Younger versions are kept too.
  package var youngerThanNanos: Int64
  package var nowNanos: Int64

  package init(
    last: Int = 10, hourly: Int = 24, daily: Int = 7, weekly: Int = 4, youngerThanNanos: Int64 = 0,
    nowNanos: Int64 = 0
  ) {
    self.youngerThanNanos = youngerThanNanos
    self.nowNanos = nowNanos
    self.last = last
    self.hourly = hourly
    self.daily = daily
    self.weekly = weekly
  }

  package init(_ section: VersionsSection, nowNanos: Int64) {
    self.init(
      last: section.keep, hourly: section.keepHourly, daily: section.keepDaily, weekly: section.keepWeekly,
      youngerThanNanos: section.keepFor, nowNanos: nowNanos)
  }

  /// Versions that nothing holds and no rule keeps, oldest first. Labelled, pinned and served versions, and
  /// what a start begins with, always stay.
  package func expired(in registry: Registry, _ condition: StartCondition) -> [VersionID] {
    var kept: Set<VersionID> = []
    if let start = registry.start(condition) { kept.insert(start.id) }
    let hour: Int64 = 3_600_000_000_000
    for isOfHead in [true, false] {
      let entries = registry.entries.filter { $0.record.isOfHead == isOfHead }
      kept.formUnion(entries.suffix(max(last, 1)).map(\.record.id))
      for (count, period) in [(hourly, hour), (daily, 24 * hour), (weekly, 7 * 24 * hour)] {
        kept.formUnion(newestOfPeriods(entries, count: count, period: period))
      }
    }
    return registry.entries.map(\.record).filter { record in
      let isYoung = youngerThanNanos > 0 && nowNanos - record.createdNanos < youngerThanNanos
      return !isYoung && !kept.contains(record.id) && registry.isHeld(record.id) == nil
        && registry.isNeeded(record.id, condition) == nil
    }.map(\.id)
  }

  private func newestOfPeriods(_ entries: [Registry.Entry], count: Int, period: Int64) -> [VersionID] {
    var kept: [VersionID] = []
    var current: Int64?
    for entry in entries.reversed() where kept.count < count {
      let slot = entry.record.createdNanos / period
      if slot != current {
        current = slot
        kept.append(entry.record.id)
      }
    }
    return kept
  }
}
