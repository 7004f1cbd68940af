// What a drift detector says after each value.

package enum DriftSignal: UInt8, Sendable, Equatable {
  case stable
  /// The stream may be changing: worth keeping an eye on.
  case warning
  /// The stream has changed.
  case drift
}
