// Attributes of an event or a request, read in place while they are iterated.

/// `cowbird.v1.Attribute`. Which of the values counts is told by `kind`.
package struct AttributeView {
  package enum Kind: UInt8, Sendable { case none, number, text, texts, numbers, flag }

  package private(set) var name: ByteView
  package private(set) var kind = Kind.none
  package private(set) var number = 0.0
  package private(set) var flag = false
  /// The text, or the body of the list.
  package private(set) var text: ByteView

  package init(_ view: ByteView) throws(WireFormatError) {
    name = ByteView(base: view.base, count: 0)
    text = name
    var cursor = WireCursor(view)
    while !cursor.isAtEnd {
      // Tags of known fields are one byte: field << 3 | wire type.
      switch try cursor.varint() {
      case 0x0A: name = try cursor.bytes()
      case 0x11:
        try set(.number, 2)
        number = Double(bitPattern: try cursor.fixed64())
      case 0x1A:
        try set(.text, 3)
        text = try cursor.bytes()
      case 0x22:
        try set(.texts, 4)
        text = try cursor.bytes()
        try TextViews.check(text)
      case 0x2A:
        try set(.numbers, 5)
        text = try cursor.bytes()
        try NumberViews.check(text)
      case 0x30:
        try set(.flag, 6)
        flag = try cursor.varint() != 0
      case let tag: try cursor.skip(tag: tag, known: 1...6)
      }
    }
  }

  /// A text of this name.
  package init(_ plain: NamedText) {
    (name, text, kind) = (plain.name, plain.text, .text)
  }

  private mutating func set(_ kind: Kind, _ field: Int) throws(WireFormatError) {
    guard self.kind == .none else { throw .repeated(field: field) }
    self.kind = kind
  }

  /// The categories of a list; empty for another kind.
  package var texts: TextViews { TextViews(kind == .texts ? text : ByteView(base: text.base, count: 0)) }
  /// The numbers of a vector; empty for another kind.
  package var numbers: NumberViews {
    NumberViews(kind == .numbers ? text : ByteView(base: text.base, count: 0))
  }
}

/// The attributes of one message, among its other fields.
package struct AttributeViews: Sequence {
  fileprivate let start: UnsafeRawPointer
  fileprivate let end: UnsafeRawPointer
  fileprivate let field: Int
  /// How many there are.
  package let count: Int

  init(start: UnsafeRawPointer, end: UnsafeRawPointer, field: Int, count: Int) {
    self.start = start
    self.end = end
    self.field = field
    self.count = count
  }

  package func makeIterator() -> Iterator { Iterator(self) }

  /// The same, quickly where most are plain texts.
  package var scan: AttributeScan { AttributeScan(from: start, to: end, field: field, count: count) }

  /// The bytes of each attribute, for keeping.
  package var encodings: [ByteView] {
    var views: [ByteView] = []
    var iterator = makeIterator()
    while let bytes = iterator.nextBytes() { views.append(bytes) }
    return views
  }

  package struct Iterator: IteratorProtocol {
    private var cursor: WireCursor
    private let field: Int
    private var left: Int

    fileprivate init(_ views: AttributeViews) {
      cursor = WireCursor(from: views.start, to: views.end)
      field = views.field
      left = views.count
    }

    /// Nil at the end, and at an attribute that is malformed (which `EventView.refusal` tells from the end).
    @inline(__always)
    package mutating func next() -> AttributeView? {
      guard let bytes = nextBytes() else { return nil }
      return try? AttributeView(bytes)
    }

    @inline(__always)
    fileprivate mutating func nextBytes() -> ByteView? {
      while left > 0, let (field, wire) = try? cursor.tag() {
        if field == self.field, wire == 2 {
          left -= 1
          return try? cursor.bytes()
        }
        guard (try? cursor.skip(type: wire)) != nil else { return nil }
      }
      return nil
    }

    /// Where the next one begins, and how many are left.
    var rest: (position: UnsafeRawPointer, left: Int) { (cursor.position, left) }
  }
}

/// Gathers where attributes stand while their message is read.
struct AttributeCollector {
  private var start: UnsafeRawPointer
  private let end: UnsafeRawPointer
  private let field: Int
  private var count = 0

  init(_ body: ByteView, field: Int) {
    start = body.base
    end = body.base + body.count
    self.field = field
  }

  /// Some that follow each other.
  mutating func take(_ more: Int = 1, at place: UnsafeRawPointer) {
    if count == 0 { start = place }
    count += more
  }

  var views: AttributeViews { AttributeViews(start: start, end: end, field: field, count: count) }
}

/// `cowbird.v1.TextList`.
package struct TextViews: Sequence, IteratorProtocol {
  private var cursor: WireCursor

  init(_ body: ByteView) { cursor = WireCursor(body) }

  fileprivate static func check(_ body: ByteView) throws(WireFormatError) {
    var cursor = WireCursor(body)
    while !cursor.isAtEnd {
      let (field, wire) = try cursor.tag()
      guard field != 1 || wire == 2 else { throw .wireType(field: field) }
      try cursor.skip(type: wire)
    }
  }

  package mutating func next() -> ByteView? {
    while !cursor.isAtEnd, let (field, wire) = try? cursor.tag() {
      if field == 1 { return try? cursor.bytes() }
      guard (try? cursor.skip(type: wire)) != nil else { return nil }
    }
    return nil
  }
}

/// `cowbird.v1.NumberList`: packed, or one by one.
package struct NumberViews: Sequence, IteratorProtocol {
  private var cursor: WireCursor
  private var packed: WireCursor

  init(_ body: ByteView) {
    cursor = WireCursor(body)
    packed = WireCursor(ByteView(base: body.base, count: 0))
  }

  fileprivate static func check(_ body: ByteView) throws(WireFormatError) {
    var cursor = WireCursor(body)
    while !cursor.isAtEnd {
      let (field, wire) = try cursor.tag()
      if field == 1, wire == 2 {
        guard try cursor.bytes().count % 4 == 0 else { throw .truncated }
      } else if field == 1, wire != 5 {
        throw .wireType(field: field)
      } else {
        try cursor.skip(type: wire)
      }
    }
  }

  package mutating func next() -> Float? {
    while true {
      if !packed.isAtEnd { return (try? packed.fixed32()).map(Float.init(bitPattern:)) }
      guard !cursor.isAtEnd, let (field, wire) = try? cursor.tag() else { return nil }
      if field == 1, wire == 5 { return (try? cursor.fixed32()).map(Float.init(bitPattern:)) }
      if field == 1, let run = try? cursor.bytes() {
        packed = WireCursor(run)
      } else if field == 1 || (try? cursor.skip(type: wire)) == nil {
        return nil
      }
    }
  }
}
