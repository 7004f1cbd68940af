// The items of an impressions event, read in place. Bytes may be anything; reading refuses what is malformed.

/// One item that was shown.
package struct ImpressionView {
  package private(set) var item: ByteView
  package private(set) var score: Float = 0
  package private(set) var propensity: Float = 1
  /// Empty: they are made when the event is learned.
  package private(set) var features: ByteView

  init(_ body: ByteView) throws(WireFormatError) {
    item = ByteView(base: body.base, count: 0)
    features = item
    var cursor = WireCursor(body)
    while !cursor.isAtEnd {
      let (field, wire) = try cursor.tag()
      switch (field, wire) {
      case (1, 2): item = try cursor.bytes()
      case (2, 5): score = Float(bitPattern: try cursor.fixed32())
      case (3, 5): propensity = Float(bitPattern: try cursor.fixed32())
      case (4, 2): features = try cursor.bytes()
      case (1...4, _): throw .wireType(field: field)
      default: try cursor.skip(type: wire)
      }
    }
  }
}

/// What `cowbird.v1.Impressions` holds beside the request id and the user.
package struct ImpressionsView {
  package private(set) var items: [ImpressionView] = []
  package private(set) var context: AttributeViews
  package private(set) var userAttributes: AttributeViews
  package private(set) var modelOffset: UInt64 = 0
  /// Of the configuration that the features were made under.
  package private(set) var configuration: UInt64 = 0
  /// What the features of all items have in common.
  package private(set) var sharedFeatures: ByteView

  package init(_ event: EventView) throws(WireFormatError) {
    var contextCollector = AttributeCollector(event.body, field: 4)
    var userCollector = AttributeCollector(event.body, field: 5)
    (context, userAttributes) = (contextCollector.views, userCollector.views)
    sharedFeatures = ByteView(base: event.body.base, count: 0)
    var cursor = WireCursor(event.body)
    while !cursor.isAtEnd {
      let start = cursor.position
      let (field, wire) = try cursor.tag()
      switch (field, wire) {
      case (3, 2): items.append(try ImpressionView(cursor.bytes()))
      case (4, 2):
        _ = try cursor.bytes()
        contextCollector.take(at: start)
      case (5, 2):
        _ = try cursor.bytes()
        userCollector.take(at: start)
      case (6, 0): modelOffset = try cursor.varint()
      case (7, 1): configuration = try cursor.fixed64()
      case (8, 2): sharedFeatures = try cursor.bytes()
      case (3...8, _): throw .wireType(field: field)
      default: try cursor.skip(type: wire)
      }
    }
    (context, userAttributes) = (contextCollector.views, userCollector.views)
  }
}

extension EventView.Check {
  /// What the contract asks of impressions that a caller sends.
  mutating func impressions(_ event: EventView) {
    text(event.requestID, "impressions.request_id", atMost: 256, isRequired: true)
    text(event.user, "impressions.user", atMost: bounds.idBytes)
    guard let view = try? ImpressionsView(event) else { return fail("impressions", "malformed") }
    let most = bounds.impressions
    if !(1...most).contains(view.items.count) {
      fail("impressions.items", "\(view.items.count) items; 1 to \(most) are allowed")
    }
    if !view.sharedFeatures.isEmpty {
      fail("impressions.shared_features", "given; only the daemon itself writes them: leave it out")
    }
    for (index, impression) in view.items.enumerated() {
      text(
        impression.item, "impressions.items[\(index)].item", atMost: bounds.idBytes, isRequired: true)
      finite(Double(impression.score), "impressions.items[\(index)].score")
      if !(impression.propensity >= 0 && impression.propensity <= 1) {
        fail("impressions.items[\(index)].propensity", "\(impression.propensity); 0 to 1 are allowed")
      }
      if !impression.features.isEmpty {
        fail(
          "impressions.items[\(index)].features", "given; only the daemon itself writes them: leave it out")
      }
    }
    attributes(view.context, "impressions.context")
    attributes(view.userAttributes, "impressions.user_attributes")
  }
}
