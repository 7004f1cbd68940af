// Where other threads leave things for one that will come and take them all.

internal import Primitives

final class Inbox<Element: Sendable>: Sendable {
  private let elements = Guarded<[Element]>([])

  func put(_ element: Element) { elements.withLock { $0.append(element) } }

  /// All that is there, in the order in which it came.
  func takeAll() -> [Element] {
    elements.withLock { elements in
      defer { elements = [] }
      return elements
    }
  }
}
