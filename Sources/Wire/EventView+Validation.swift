// What the contract asks of an event beyond its framing: Ingest refuses an event that breaks it, and says
// which field, which value and which bound.

/// Why an event is refused.
package struct EventRefusal: Error, Equatable, Sendable, CustomStringConvertible {
  /// Path of the field, such as `interaction.context[2].name`.
  package var field: String
  /// The value and the bound, such as `300 bytes; at most 256`.
  package var reason: String

  package init(field: String, reason: String) {
    self.field = field
    self.reason = reason
  }

  package var description: String { "\(field): \(reason)" }
}

/// Bounds of the contract; the configuration may narrow `idBytes`.
package struct EventBounds: Sendable {
  package var idBytes = 256
  package var typeBytes = 64
  package var attributes = 1_024
  package var nameBytes = 64
  package var textBytes = 64 << 10
  package var texts = 1_024
  package var numbers = 4_096
  package var impressions = 1_000

  package init(idBytes: Int = 256) { self.idBytes = idBytes }
}

extension EventView {
  /// Nil: the event may be logged. O(bytes).
  package func refusal(within bounds: EventBounds) -> EventRefusal? {
    var check = Check(bounds: bounds)
    check.text(id, "id", atMost: bounds.idBytes)
    check.text(source, "source", atMost: 256)
    switch kind {
    case .none:
      check.fail("kind", "nothing; one of interaction, entity, retraction and impressions is required")
    case .interaction:
      check.text(type, "interaction.type", atMost: bounds.typeBytes, isRequired: true)
      check.text(user, "interaction.user", atMost: bounds.idBytes)
      check.text(item, "interaction.item", atMost: bounds.idBytes)
      check.text(requestID, "interaction.request_id", atMost: 256)
      if hasValue { check.finite(value, "interaction.value") }
      if !(weight >= 0 && weight.isFinite) {
        check.fail("interaction.weight", "\(weight); a finite number of at least 0 is required")
      }
      check.attributes(attributes, "interaction.context")
    case .entity:
      if entityKind == .unspecified { check.fail("entity.entity", "unknown; user or item is required") }
      check.text(entityID, "entity.id", atMost: bounds.idBytes, isRequired: true)
      if action == .unspecified { check.fail("entity.action", "unknown; set, merge or delete is required") }
      check.attributes(attributes, "entity.attributes")
    case .retraction: check.text(retractedID, "retraction.event_id", atMost: 256)
    case .impressions: check.impressions(self)
    }
    return check.refusal
  }

  /// Keeps the first problem.
  struct Check {
    let bounds: EventBounds
    var refusal: EventRefusal?

    mutating func fail(_ field: @autoclosure () -> String, _ reason: @autoclosure () -> String) {
      if refusal == nil { refusal = EventRefusal(field: field(), reason: reason()) }
    }

    mutating func text(
      _ view: ByteView, _ field: @autoclosure () -> String, atMost bound: Int, isRequired: Bool = false
    ) {
      if view.count > bound {
        fail(field(), "\(view.count) bytes; at most \(bound)")
      } else if isRequired, view.isEmpty {
        fail(field(), "empty; 1 to \(bound) bytes are required")
      } else if !view.isUTF8 {
        fail(field(), "not UTF-8")
      }
    }

    mutating func finite(_ value: Double, _ field: @autoclosure () -> String) {
      if !value.isFinite { fail(field(), "\(value); a finite number is required") }
    }

    mutating func attributes(_ views: AttributeViews, _ field: StaticString) {
      let bounds = bounds
      if views.count > bounds.attributes {
        fail("\(field)", "\(views.count) attributes; at most \(bounds.attributes)")
      }
      var index = 0
      for view in views {
        attribute(view, field, index)
        index += 1
      }
      if index < views.count { fail("\(field)[\(index)]", "malformed") }
    }

    private mutating func attribute(_ view: AttributeView, _ list: StaticString, _ index: Int) {
      let bounds = bounds
      text(view.name, "\(list)[\(index)].name", atMost: bounds.nameBytes, isRequired: true)
      switch view.kind {
      case .none: fail("\(list)[\(index)].value", "nothing; a value is required")
      case .flag: break
      case .number: finite(view.number, "\(list)[\(index)].number")
      case .text: text(view.text, "\(list)[\(index)].text", atMost: bounds.textBytes)
      case .texts:
        var count = 0
        var total = 0
        for value in view.texts {
          text(value, "\(list)[\(index)].texts[\(count)]", atMost: bounds.textBytes)
          (count, total) = (count + 1, total + value.count)
        }
        if count > bounds.texts {
          fail("\(list)[\(index)].texts", "\(count) categories; at most \(bounds.texts)")
        } else if total > bounds.textBytes {
          fail("\(list)[\(index)].texts", "\(total) bytes in all; at most \(bounds.textBytes)")
        }
      case .numbers:
        var count = 0
        for value in view.numbers {
          if !value.isFinite {
            fail("\(list)[\(index)].numbers[\(count)]", "\(value); a finite number is required")
          }
          count += 1
        }
        if count > bounds.numbers {
          fail("\(list)[\(index)].numbers", "\(count) numbers; at most \(bounds.numbers)")
        }
      }
    }
  }
}

extension EventBounds {
  /// Nil: these attributes, which stand in `field`, keep to the contract. O(bytes).
  package func refusal(_ views: AttributeViews, _ field: StaticString) -> EventRefusal? {
    guard views.count > 0 else { return nil }
    var check = EventView.Check(bounds: self)
    check.attributes(views, field)
    return check.refusal
  }
}
