// Counts how often keys without a row were seen, in bounded memory: a count-min sketch of two rows with
// conservative update (Estan and Varghese, 2002), halved after as many sightings as it has cells so that old
// sightings fade. It may count too much, never too little; both deterministically.

internal import Primitives

struct AdmissionFilter {
  private static let pageBytes = 4096
  private(set) var cells: PageStore
  private let mask: UInt64
  var sightings: UInt64 = 0

  init(cells count: Int) {
    cells = PageStore(bodyBytes: Self.pageBytes)
    mask = UInt64(count - 1)
    let core = cells.makeWritable()
    for _ in 0..<(count / Self.pageBytes) { _ = core.pointee.appendPage() }
  }

  init(cells: PageStore, sightings: UInt64) {
    self.cells = cells
    mask = UInt64(cells.pageCount * Self.pageBytes - 1)
    self.sightings = sightings
  }

  static func emptyCells() -> PageStore { PageStore(bodyBytes: pageBytes) }

  /// Counts a sighting and returns how often the key was seen, at most 255.
  mutating func observe(_ key: UInt64) -> Int {
    let core = cells.makeWritable()
    if sightings > mask {
      halve(core)
      sightings = 0
    }
    sightings += 1
    let hash = CounterRandom.mix(key ^ 0x5851_F42D_4C95_7F2D)
    let first = Int(hash & mask)
    let second = Int((hash >> 32) & mask)
    let count = min(value(first, core), value(second, core), 254) + 1
    raise(first, to: count, core)
    raise(second, to: count, core)
    return Int(count)
  }

  private func value(_ cell: Int, _ core: UnsafeMutablePointer<PageCore>) -> UInt8 {
    core.pointee.page(cell / Self.pageBytes)
      .load(fromByteOffset: PageHeader.pageBytes + cell % Self.pageBytes, as: UInt8.self)
  }

  private func raise(_ cell: Int, to count: UInt8, _ core: UnsafeMutablePointer<PageCore>) {
    guard value(cell, core) < count else { return }
    core.pointee.writablePage(cell / Self.pageBytes)
      .storeBytes(of: count, toByteOffset: PageHeader.pageBytes + cell % Self.pageBytes, as: UInt8.self)
  }

  private func halve(_ core: UnsafeMutablePointer<PageCore>) {
    for number in 0..<core.pointee.pageCount {
      let body = core.pointee.writablePage(number) + PageHeader.pageBytes
      for offset in stride(from: 0, to: Self.pageBytes, by: 8) {
        let eight = body.load(fromByteOffset: offset, as: UInt64.self)
        body.storeBytes(of: (eight >> 1) & 0x7F7F_7F7F_7F7F_7F7F, toByteOffset: offset, as: UInt64.self)
      }
    }
  }
}
