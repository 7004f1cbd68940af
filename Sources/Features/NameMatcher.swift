// A name as it is looked for in bytes: nearly all names are short, and two loads tell them.

internal import Glibc
internal import Wire

struct NameMatcher: BitwiseCopyable {
  private let length: Int
  /// Its first eight bytes and its last eight; of a shorter name all of it, twice, and which bits count.
  private let head: UInt64
  private let tail: UInt64
  private let mask: UInt64
  private let bytes: UnsafePointer<UInt8>

  init(_ name: String) {
    length = name.utf8.count
    let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: length + 8)
    copy.initialize(repeating: 0, count: length + 8)
    for (place, byte) in name.utf8.enumerated() { copy[place] = byte }
    bytes = UnsafePointer(copy)
    mask = length < 8 ? 1 << UInt64(8 * length) - 1 : .max
    head = UnsafeRawPointer(bytes).loadUnaligned(as: UInt64.self) & mask
    tail = UnsafeRawPointer(bytes + max(0, length - 8)).loadUnaligned(as: UInt64.self) & mask
  }

  func deallocate() { bytes.deallocate() }

  // hot: once per attribute.
  /// - Parameter readable: how many bytes may be read from the name's first one on.
  @inline(__always)
  func matches(_ name: ByteView, readable: Int) -> Bool {
    guard name.count == length else { return false }
    guard readable >= 8, length <= 16 else { return memcmp(name.base, bytes, length) == 0 }
    let first = name.base.loadUnaligned(as: UInt64.self)
    let last = (name.base + max(0, length &- 8)).loadUnaligned(as: UInt64.self)
    return ((first ^ head) | (last ^ tail)) & mask == 0
  }
}
