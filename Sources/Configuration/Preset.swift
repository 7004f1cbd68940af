// Ready-made configurations: what most people of a kind need, so that a first file is a few lines.

package enum Preset: String, CaseIterable, Sendable {
  /// Graded opinions, such as 1 to 5 stars.
  case ratings
  /// Clicks, views and purchases of a catalogue; recommendation.
  case clicks
  /// Advertisements: probability of a click from user, creative and context.
  case ads
  /// A rare event among payments, from numbers and counters.
  case fraud

  /// The preset as YAML, which says only what differs from the defaults.
  package var yaml: String {
    switch self {
    case .ratings: Self.ratingsYAML
    case .clicks: Self.clicksYAML
    case .ads: Self.adsYAML
    case .fraud: Self.fraudYAML
    }
  }

  /// The preset as a value. That it is free of errors is tested.
  package var configuration: Configuration {
    do {
      return try Configuration(yaml: yaml)
    } catch {
      preconditionFailure("preset \(rawValue): \(error)")
    }
  }
}
