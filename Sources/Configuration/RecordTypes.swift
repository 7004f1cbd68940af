// Which event type a record of a file is, by the configuration: files seldom name one, and a column of classes (0 or -1,
// and 1) says by itself whether the thing happened.

/// What a class says of a record.
package struct ClassifiedRecord: Equatable, Sendable {
  package var type: String
  package var value: Double
}

package struct RecordTypes: Equatable, Sendable {
  /// Of records that name none.
  package var ofValues: String
  /// Of records that name none and have a class.
  package var ofClasses: String
  /// Types that are learned as 1, and as 0, whatever their value, in the configuration's order.
  package var positives: [String]
  package var negatives: [String]

  package init(ofValues: String, ofClasses: String, positives: [String], negatives: [String]) {
    self.ofValues = ofValues
    self.ofClasses = ofClasses
    self.positives = positives
    self.negatives = negatives
  }

  /// Why a class cannot be learned.
  package struct Problem: Error, Equatable, Sendable {
    package var problem: String
    package var allowed: String
  }

  /// The event type and the value of a record with a class. A type whose label is made from the value takes it as it
  /// is; of the others the class chooses.
  /// - Parameter type: what the record names; empty: nothing.
  package func classified(_ label: Double, type: String) throws(Problem) -> ClassifiedRecord {
    let type = type.isEmpty ? ofClasses : type
    guard positives.contains(type) || negatives.contains(type) else {
      return ClassifiedRecord(type: type, value: label)
    }
    guard label == 1 || label == 0 || label == -1 else {
      throw Problem(
        problem: "is no class of the event type \"\(type)\"",
        allowed: "0 or -1, and 1; a grade or an amount stands in a column called rating or value")
    }
    let fitting = label > 0 ? positives : negatives
    guard let chosen = fitting.contains(type) ? type : fitting.first else {
      throw Problem(
        problem: "is a class that no event type stands for",
        allowed: label > 0
          ? "an event type with \"label: positive\" in the configuration"
          : "1 alone; or an event type with \"label: negative\" in the configuration, or "
            + "events.\(type).label: threshold")
    }
    return ClassifiedRecord(type: chosen, value: max(0, label))
  }
}

extension Configuration {
  package var recordTypes: RecordTypes {
    let ofValue = events.first { $0.label.isOfValue }
    let labelled = events.first { $0.label != .none }
    let ofValues = (ofValue ?? labelled ?? events.first)?.name ?? ""
    // A type whose label is the value itself takes classes, too; a threshold was set for grades.
    let ofClasses = events.first { $0.label == .value } ?? events.first { $0.label == .positive }
    return RecordTypes(
      ofValues: ofValues, ofClasses: ofClasses?.name ?? ofValues,
      positives: events.filter { $0.label == .positive }.map(\.name),
      negatives: events.filter { $0.label == .negative }.map(\.name))
  }

  /// The values that events of a type may have, by the rule `hygiene.range`; nil: any.
  package func range(of event: EventTypeSection) -> ClosedRange<Double>? {
    let lowest: Double? =
      switch event.label {
      case .value: label.minimum
      case .positive: .leastNonzeroMagnitude
      case .none, .threshold, .negative: nil
      }
    let highest = event.label == .value ? label.maximum : nil
    let (low, high) = (event.minimum ?? lowest, event.maximum ?? highest)
    guard low != nil || high != nil else { return nil }
    let bottom = low ?? -.greatestFiniteMagnitude
    return bottom...max(bottom, high ?? .greatestFiniteMagnitude)
  }

  /// Whether an event of a type without a value is one whose label is missing.
  package func needsValue(_ event: EventTypeSection) -> Bool {
    event.label.isOfValue && event.defaultValue == nil
  }
}
