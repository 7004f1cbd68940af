// Predict's requests, read in place: what Score, Recommend and Explain have in common, without unpacking. Bytes may
// be anything; reading refuses what is malformed and never traps.

/// Which kept model a request names.
package struct SelectorView {
  package enum Kind: Sendable { case none, serving, head, id, label, asOf, latest, previous }

  package private(set) var kind = Kind.none
  /// The id or the label.
  package private(set) var text: ByteView
  package private(set) var nanos: Int64 = 0

  init(_ body: ByteView) throws(WireFormatError) {
    text = ByteView(base: body.base, count: 0)
    var cursor = WireCursor(body)
    while !cursor.isAtEnd {
      let (field, wire) = try cursor.tag()
      switch (field, wire) {
      case (1, 0), (2, 0), (6, 0), (7, 0):
        // A oneof of flags: `false` is as if it had not been set.
        let isSet = try cursor.varint() != 0
        let named: Kind = field == 1 ? .serving : field == 2 ? .head : field == 6 ? .latest : .previous
        kind = isSet ? named : .none
      case (3, 2), (4, 2):
        kind = field == 3 ? .id : .label
        text = try cursor.bytes()
      case (5, 0):
        kind = .asOf
        nanos = Int64(bitPattern: try cursor.varint())
      case (1...7, _): throw .wireType(field: field)
      default: try cursor.skip(type: wire)
      }
    }
  }

  /// The selector that stands in a field of a message; one that names nothing where there is none.
  /// - Throws: INVALID_ARGUMENT that names `path`.
  package init(field wanted: Int, of message: UnsafeRawBufferPointer, _ path: String) throws(Status) {
    let base = message.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
    self.init(none: base)
    var cursor = WireCursor(ByteView(base: base, count: message.count))
    do throws(WireFormatError) {
      while !cursor.isAtEnd {
        let (field, wire) = try cursor.tag()
        guard field == wanted else {
          try cursor.skip(type: wire)
          continue
        }
        guard wire == 2 else { throw .wireType(field: field) }
        self = try SelectorView(cursor.bytes())
      }
    } catch {
      throw Status(.invalidArgument, "\(path) cannot be decoded: \(error)")
    }
  }

  init(none base: UnsafeRawPointer) { text = ByteView(base: base, count: 0) }
}

package struct CandidateView {
  package private(set) var item: ByteView
  package private(set) var context: AttributeViews

  package init(_ body: ByteView) throws(WireFormatError) {
    item = ByteView(base: body.base, count: 0)
    var collector = AttributeCollector(body, field: 2)
    var cursor = WireCursor(body)
    while !cursor.isAtEnd {
      let start = cursor.position
      let (field, wire) = try cursor.tag()
      switch (field, wire) {
      case (1, 2): item = try cursor.bytes()
      case (2, 2):
        _ = try cursor.bytes()
        collector.take(at: start)
      case (1, _), (2, _): throw .wireType(field: field)
      default: try cursor.skip(type: wire)
      }
    }
    context = collector.views
  }
}

package struct PredictRequestView {
  /// Field numbers of a message; 0: it has no such field.
  package struct Layout: Sendable {
    let candidates: Int
    let version: Int
    let freshness: Int
    let time: Int
    let userAttributes: Int
    package let name: String

    package static let score = Layout(
      candidates: 3, version: 4, freshness: 5, time: 6, userAttributes: 0, name: "ScoreRequest")
    package static let explain = Layout(
      candidates: 3, version: 4, freshness: 5, time: 6, userAttributes: 0, name: "ExplainRequest")
    package static let recommend = Layout(
      candidates: 0, version: 8, freshness: 9, time: 10, userAttributes: 15, name: "RecommendRequest")
  }

  package let layout: Layout
  package private(set) var user: ByteView
  package private(set) var context: AttributeViews
  package private(set) var userAttributes: AttributeViews
  package private(set) var selector: SelectorView
  /// Nil: do not wait.
  package private(set) var minimumOffset: UInt64?
  package private(set) var allowsDegraded = false
  package private(set) var timeNanos: Int64 = 0
  package private(set) var candidateCount = 0
  private let message: ByteView

  // hot: no allocation for a request that names no version.
  /// - Throws: INVALID_ARGUMENT that names the message and what is wrong with it.
  package init(_ bytes: UnsafeRawBufferPointer, _ layout: Layout) throws(Status) {
    self.layout = layout
    let base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
    message = ByteView(base: base, count: bytes.count)
    user = ByteView(base: base, count: 0)
    selector = SelectorView(none: base)
    let empty = AttributeCollector(user, field: 0)
    context = empty.views
    userAttributes = empty.views
    do {
      try read()
    } catch {
      throw Status(.invalidArgument, "cowbird.v1.\(layout.name) cannot be decoded: \(error)")
    }
  }

  private mutating func read() throws(WireFormatError) {
    var collector = AttributeCollector(message, field: 2)
    var userCollector = AttributeCollector(message, field: layout.userAttributes)
    var cursor = WireCursor(message)
    while !cursor.isAtEnd {
      let start = cursor.position
      let (field, wire) = try cursor.tag()
      switch field {
      case 1:
        guard wire == 2 else { throw .wireType(field: field) }
        user = try cursor.bytes()
      case 2:
        guard wire == 2 else { throw .wireType(field: field) }
        _ = try cursor.bytes()
        collector.take(at: start)
      case layout.candidates:
        guard wire == 2 else { throw .wireType(field: field) }
        _ = try cursor.bytes()
        candidateCount += 1
      case layout.userAttributes:
        guard wire == 2 else { throw .wireType(field: field) }
        _ = try cursor.bytes()
        userCollector.take(at: start)
      case layout.version:
        guard wire == 2 else { throw .wireType(field: field) }
        selector = try SelectorView(cursor.bytes())
      case layout.freshness:
        guard wire == 2 else { throw .wireType(field: field) }
        try readFreshness(cursor.bytes())
      case layout.time:
        guard wire == 0 else { throw .wireType(field: field) }
        timeNanos = Int64(bitPattern: try cursor.varint())
      default: try cursor.skip(type: wire)
      }
    }
    context = collector.views
    userAttributes = userCollector.views
  }

  private mutating func readFreshness(_ body: ByteView) throws(WireFormatError) {
    var cursor = WireCursor(body)
    while !cursor.isAtEnd {
      let (field, wire) = try cursor.tag()
      switch (field, wire) {
      case (1, 0): minimumOffset = try cursor.varint()
      case (2, 0): allowsDegraded = try cursor.varint() != 0
      case (1, _), (2, _): throw .wireType(field: field)
      default: try cursor.skip(type: wire)
      }
    }
  }

  /// The message's bytes.
  package var bytes: UnsafeRawBufferPointer { message.bytes }
  package var copy: [UInt8] { Array(message.bytes) }

  /// The candidates in order.
  /// - Throws: a candidate that is malformed, or what `body` throws.
  package func forEachCandidate(_ body: (Int, CandidateView) throws(Status) -> Void) throws(Status) {
    var cursor = WireCursor(message)
    var index = 0
    while !cursor.isAtEnd {
      let candidate: CandidateView
      do throws(WireFormatError) {
        let (field, wire) = try cursor.tag()
        guard field == layout.candidates else {
          try cursor.skip(type: wire)
          continue
        }
        candidate = try CandidateView(cursor.bytes())
      } catch {
        throw Status(
          .invalidArgument, "cowbird.v1.\(layout.name).candidates[\(index)] cannot be decoded: \(error)")
      }
      try body(index, candidate)
      index += 1
    }
  }
}
