// The memory of interactions that come soon is asked for in steps, each of which uses what the one before has fetched.
// What is learned is the same without.

internal import CKernels
internal import Tables

/// Who will do something, and with what; 0: not known.
package struct ComingInteraction: BitwiseCopyable {
  package var user: UInt64
  package var item: UInt64

  package init(user: UInt64, item: UInt64) { (self.user, self.item) = (user, item) }
}

extension RetrievalState {
  // hot: once per event.
  /// Asks for what the next three interactions need, before the present one is learned: of the third the cells of the
  /// index, of the second what these cells lead to, of the next the history and the lists.
  package func expect(_ near: ComingInteraction, _ middle: ComingInteraction, _ far: ComingInteraction) {
    if far.user != 0 { users.prefetch(far.user) }
    if far.item != 0 { items.prefetch(far.item) }
    if middle.user != 0, let row = users.hint(middle.user) { prefetch(person: row) }
    if middle.item != 0, let row = items.hint(middle.item) {
      layout.prefetch(pages.reader.page(row &>> 5), row & 31)
      cowbird_prefetch(neighbours.references.reader.row(row))
    }
    if near.user != 0, let row = users.find(near.user) { prefetchRing(ofUser: row) }
  }

  @inline(__always)
  func prefetch(person row: Int) {
    let person = people.reader.row(row)
    var line = 0
    repeat {
      cowbird_prefetch(person + line)
      line &+= 64
    } while line < people.rowBytes
  }

  /// The part of the ring that will be read, and the place that will be written.
  @inline(__always)
  private func prefetchRing(ofUser row: Int) {
    let ring = ring(ofUser: row)
    guard ring.total > 0, let items = ring.items, let times = ring.times else { return }
    var back = 0
    let reach = min(historyReach, ring.count)
    repeat {
      let place = ring.place(back)
      cowbird_prefetch(items + place)
      cowbird_prefetch(times + place)
      back &+= 16
    } while back < reach
    let next = ring.place(-1)
    cowbird_prefetch(items + next)
    cowbird_prefetch(times + next)
  }
}
