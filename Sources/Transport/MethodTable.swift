// Which method does a request name? The answer for every request, so it compares bytes and allocates nothing.

internal import Glibc
internal import Primitives
internal import Wire

/// The methods of a server, found by name. Never changes, so every reactor reads the same one.
final class MethodTable: Sendable {
  let methods: [Method]
  /// Open addressing from the hash of service and method: index + 1, or 0. At most half full.
  private let slots: [Int32]
  /// "service/method", by index.
  private let names: [[UInt8]]

  init(_ registry: ServiceRegistry) {
    methods = registry.methods
    names = methods.map { Array("\($0.service)/\($0.name)".utf8) }
    var size = 2
    while size < methods.count * 2 { size *= 2 }
    var slots = [Int32](repeating: 0, count: size)
    for index in methods.indices {
      var (service, name) = (methods[index].service, methods[index].name)
      let hash = service.withUTF8 { service in
        name.withUTF8 { Self.hash(UnsafeRawBufferPointer(service), UnsafeRawBufferPointer($0)) }
      }
      var slot = Int(truncatingIfNeeded: hash) & (size - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (size - 1) }
      slots[slot] = Int32(index + 1)
    }
    self.slots = slots
  }

  /// The place in `methods` of the method of that name, or nil.
  func find(service: UnsafeRawBufferPointer, method: UnsafeRawBufferPointer) -> Int? {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: Self.hash(service, method)) & mask
    while slots[slot] != 0 {
      let index = Int(slots[slot] - 1)
      if isNamed(index, service, method) { return index }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// Whether there is a method at `index`, of that name.
  @inline(__always)
  func isNamed(_ index: Int, _ service: UnsafeRawBufferPointer, _ method: UnsafeRawBufferPointer) -> Bool {
    guard index < names.count else { return false }
    return names[index].withUnsafeBytes { name in
      guard name.count == service.count + method.count + 1, let base = name.baseAddress,
        let first = service.baseAddress, let second = method.baseAddress
      else { return false }
      return memcmp(base, first, service.count) == 0
        && name[service.count] == UInt8(ascii: "/")
        && memcmp(base + service.count + 1, second, method.count) == 0
    }
  }

  /// Why `find` found nothing.
  func refusal(service: UnsafeRawBufferPointer, method: UnsafeRawBufferPointer) -> Status {
    let name = Text.excerpt(service)
    let isKnown = methods.contains { $0.service.utf8.elementsEqual(service) }
    return isKnown
      ? Status(.unimplemented, "service \(name) has no method \(Text.excerpt(method))")
      : Status(.unimplemented, "unknown service \(name)")
  }

  private static func hash(_ service: UnsafeRawBufferPointer, _ method: UnsafeRawBufferPointer) -> UInt64 {
    StableHash.of(method, seed: StableHash.of(service))
  }
}
