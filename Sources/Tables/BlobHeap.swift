// Runs of bytes of any length up to 64 KiB, in slots of fixed sizes, so that room that becomes free is used
// again without ever moving what stays.
//
//   size class   16, 24, 32, 48, 64, 96 … 65,536 bytes: at most a third of a slot is empty
//   page         slots of one class; a free slot's first word links the next free one (slot + 1; 0 ends)
//
// Slots are handed out in order and reused last in, first out, so their places are the same in every replay.

internal import Glibc
internal import Primitives

struct BlobHeap: Sendable {
  static let maximumBytes = 65536
  /// Made when first needed; nil until then.
  private var classes: [SlotClass?] = Array(repeating: nil, count: 25)

  private struct SlotClass: Sendable {
    var store: PageStore
    var limit: UInt32 = 0
    var firstFree: UInt64 = 0
  }

  /// Where a run lies: class << 32 | slot.
  typealias Handle = UInt64

  static func sizeClass(_ count: Int) -> Int {
    var number = 0
    while slotBytes(number) < count { number += 1 }
    return number
  }

  static func slotBytes(_ number: Int) -> Int { number % 2 == 0 ? 16 << (number / 2) : 24 << (number / 2) }

  private static func slotsPerPage(_ number: Int) -> Int { max(1, 2048 / slotBytes(number)) }

  private static func pageBytes(_ number: Int) -> Int { slotBytes(number) * slotsPerPage(number) }

  mutating func allocate(_ bytes: UnsafeRawBufferPointer) -> Handle {
    let number = Self.sizeClass(bytes.count)
    if classes[number] == nil {
      classes[number] = SlotClass(store: PageStore(bodyBytes: Self.pageBytes(number)))
    }
    let core = classes[number]!.store.makeWritable()
    let perPage = Self.slotsPerPage(number)
    let slot: UInt32
    if classes[number]!.firstFree != 0 {
      slot = UInt32(classes[number]!.firstFree - 1)
      classes[number]!.firstFree = Self.address(core, slot, number).load(as: UInt64.self)
    } else {
      slot = classes[number]!.limit
      if Int(slot) % perPage == 0 { _ = core.pointee.appendPage() }
      classes[number]!.limit += 1
    }
    let target = Self.writable(core, slot, number)
    memset(target, 0, Self.slotBytes(number))
    if bytes.count > 0 { target.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count) }
    return UInt64(number) << 32 | UInt64(slot)
  }

  mutating func free(_ handle: Handle) {
    let number = Int(handle >> 32)
    let slot = UInt32(truncatingIfNeeded: handle)
    let core = classes[number]!.store.makeWritable()
    let target = Self.writable(core, slot, number)
    memset(target, 0, Self.slotBytes(number))
    target.storeBytes(of: classes[number]!.firstFree, as: UInt64.self)
    classes[number]!.firstFree = UInt64(slot) + 1
  }

  /// Valid until this value is changed or goes.
  func address(_ handle: Handle) -> UnsafeRawPointer {
    let number = Int(handle >> 32)
    let slot = Int(UInt32(truncatingIfNeeded: handle))
    let perPage = Self.slotsPerPage(number)
    return classes[number]!.store.body(slot / perPage) + slot % perPage * Self.slotBytes(number)
  }

  /// Whether the handle names a slot that exists: for what was read from outside.
  func contains(_ handle: Handle, bytes: Int) -> Bool {
    guard handle >> 32 < 25, bytes >= 0, let slots = classes[Int(handle >> 32)] else { return false }
    return UInt32(truncatingIfNeeded: handle) < slots.limit && bytes <= Self.slotBytes(Int(handle >> 32))
  }

  private static func address(_ core: UnsafeMutablePointer<PageCore>, _ slot: UInt32, _ number: Int)
    -> RawPage
  {
    let perPage = slotsPerPage(number)
    return core.pointee.page(Int(slot) / perPage) + PageHeader.pageBytes + Int(slot) % perPage
      * slotBytes(number)
  }

  private static func writable(_ core: UnsafeMutablePointer<PageCore>, _ slot: UInt32, _ number: Int)
    -> RawPage
  {
    let perPage = slotsPerPage(number)
    return core.pointee.writablePage(Int(slot) / perPage) + PageHeader.pageBytes
      + Int(slot) % perPage * slotBytes(number)
  }

  var digest: Digest {
    var digest = Digest()
    for slots in classes {
      digest.append(slots.map { Digest(low: UInt64($0.limit), high: $0.firstFree) } ?? Digest())
      digest.append(slots?.store.digest ?? Digest())
    }
    return digest
  }

  var memory: MemoryUse { classes.reduce(MemoryUse()) { $0 + ($1?.store.memory ?? MemoryUse()) } }

  // MARK: Streams

  private static func name(_ base: String, _ number: Int) -> String { "\(base).\(slotBytes(number))" }

  func write<Sink: PageSink>(to sink: inout Sink, name: String, since parent: BlobHeap? = nil) throws {
    var writer = ByteWriter()
    for slots in classes {
      writer.write(slots?.limit ?? 0)
      writer.write(slots?.firstFree ?? 0)
    }
    try sink.begin(PageSection(name: name, metadata: writer.bytes))
    try sink.end()
    for (number, slots) in classes.enumerated() {
      guard let slots, slots.limit > 0 else { continue }
      let base = parent?.classes[number]?.store
      try slots.store.write(
        to: &sink, name: Self.name(name, number), pages: base.map { slots.store.differingPages(from: $0) },
        base: base?.digest)
    }
  }

  /// Reads a heap, or what was written `since` a heap equal to this one.
  mutating func apply<Source: PageSource>(from source: inout Source, name: String) throws {
    let section = try source.begin(name)
    guard try source.read(into: UnsafeMutableRawBufferPointer(start: nil, count: 0)) == nil else {
      throw PageStreamError.malformed(section: name, what: "pages where none belong")
    }
    var reader = ByteReader(section.metadata)
    for number in classes.indices {
      let limit = try reader.read(UInt32.self)
      let firstFree = try reader.read(UInt64.self)
      guard limit > 0 else {
        classes[number] = nil
        continue
      }
      var slots = classes[number] ?? SlotClass(store: PageStore(bodyBytes: Self.pageBytes(number)))
      try slots.store.apply(try source.begin(Self.name(name, number)), from: &source)
      let perPage = Self.slotsPerPage(number)
      guard slots.store.pageCount == (Int(limit) + perPage - 1) / perPage, firstFree <= limit else {
        throw PageStreamError.malformed(section: section.name, what: "slots and pages differ")
      }
      slots.limit = limit
      slots.firstFree = firstFree
      try Self.checkFreeSlots(slots, number, section.name)
      classes[number] = slots
    }
    guard reader.isAtEnd else {
      throw PageStreamError.malformed(section: name, what: "bytes after the header")
    }
  }

  private static func checkFreeSlots(_ slots: SlotClass, _ number: Int, _ name: String) throws {
    let perPage = slotsPerPage(number)
    var free = slots.firstFree
    var steps: UInt32 = 0
    while free != 0 {
      guard free <= slots.limit, steps < slots.limit else {
        throw PageStreamError.malformed(section: name, what: "free slots are lost")
      }
      let slot = Int(free - 1)
      free = (slots.store.body(slot / perPage) + slot % perPage * slotBytes(number)).load(as: UInt64.self)
      steps += 1
    }
  }
}
