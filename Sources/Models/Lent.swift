// Objects in a row that are lent by place without a reference count: an array would retain each one for as long as it
// is used, once per example and member.

final class Lent<Element: AnyObject> {
  private let elements: [Element]
  private let places: UnsafeMutablePointer<Unmanaged<Element>>

  init(_ elements: [Element]) {
    self.elements = elements
    places = .allocate(capacity: elements.count)
    for (place, element) in elements.enumerated() {
      (places + place).initialize(to: .passUnretained(element))
    }
  }

  deinit { places.deallocate() }

  subscript(place: Int) -> Element { elements[place] }

  /// hot
  @inline(__always)
  func with<Result>(_ place: Int, _ body: (Element) -> Result) -> Result {
    places[place]._withUnsafeGuaranteedRef(body)
  }
}
