// A row of a group as it was found for an example: read now, and changed by the same event a little later.

internal import Tables

struct FoundRow {
  var key: UInt64
  /// Nil: there is none yet.
  var row: UnsafePointer<Float>?
  /// Where it is; whoever changes it checks that it still is.
  var hint: RowHint
  var fading = Fading()

  @inline(__always)
  init(_ key: UInt64, _ reader: TableReader, _ hint: RowHint) {
    self.key = key
    if let id = reader.findID(key, hint) {
      row = reader.weights(id)
      self.hint = RowHint(id)
    } else {
      row = nil
      self.hint = .none
    }
  }
}

/// How much of a sum is left after its half-life ran for a while: columns of one row with one half-life share it, when
/// they are read and when they are changed.
struct Fading {
  private var last: Int64 = 0
  private var halvings = 0.0
  private var factor = 1.0

  /// - Parameters:
  ///   - last: when the row was changed last; before `now`.
  ///   - halvings: a second, above 0.
  @inline(__always)
  mutating func factor(from last: Int64, to now: Int64, halvings: Double) -> Double {
    if last != self.last || halvings != self.halvings {
      factor = Numerics.exp2(-FeatureState.seconds(from: last, to: now) * halvings)
      (self.last, self.halvings) = (last, halvings)
    }
    return factor
  }

  /// `old` as of `last`, with `amount` as of now, both as of the later of the two.
  @inline(__always)
  mutating func sum(
    _ old: Double, as last: Int64, _ amount: Double, as now: Int64, halvings: Double
  ) -> Double {
    guard halvings > 0, last != 0, last != now else { return old + amount }
    if now > last { return old * factor(from: last, to: now, halvings: halvings) + amount }
    return old + amount * Numerics.exp2(-FeatureState.seconds(from: now, to: last) * halvings)
  }
}
