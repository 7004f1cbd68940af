// Preset `ratings`, and what it shares with `clicks`: the joint model's features over people and catalogue, the
// ensemble over them, the retrievers. Which ingredient gives how much stands in the documentation.

extension Preset {
  /// Attributes of people and films, as MovieLens has them; names that are not sent cost nothing.
  static let catalogueYAML = """
    entities:
      user: {age: number, gender: category, occupation: category, country: category}
      item: {title: {type: text, minimum_token: 4}, year: number, genres: categories, category: category}

    """

  /// Running figures of users and items. `offset`: what is left of the label when the other side is taken out.
  static let jointValuesYAML = """
        age_centred: {from: user.age, missing: 32, offset: -32, scale: 0.05}
        year_centred: {from: item.year, missing: 1990, offset: -1990, scale: 0.05}
        year_5: {from: item.year, step: 5}
        page: {statistic: session, of: user, gap: 15s}
        item_mean: {statistic: mean, of: item, shrinkage: 2}
        user_offset: {statistic: mean, of: user, minus: item_offset, shrinkage: 4}
        item_offset: {statistic: mean, of: item, minus: user_offset, shrinkage: 5}
        user_recent: {statistic: ew_mean, of: user, minus: item_offset, rate: 0.1, warmup: 3}
        session_offset: {statistic: mean, of: user, minus: item_offset, shrinkage: 3, gap: 2h}
        item_count: {statistic: count, of: item, log1p: true, scale: 0.2}
        item_count_centred: {statistic: count, of: item, log1p: true, offset: -4, scale: 0.2}
        user_genre_mean: {statistic: mean, of: [user, item.genres], minus: [item_offset, user_offset], shrinkage: 5, missing: 0}
        user_year_mean: {statistic: mean, of: [user, year_5], minus: [item_offset, user_offset], shrinkage: 5, missing: 0}

    """

  static let jointTemplatesYAML = """
      sparse:
        user: {of: user, variance: 0.2, factor: user, factor_variance: 0.15, factor_init: 0}
        page: {of: [user, page], variance: 0.2}
        item: {of: item, variance: 0.05, factor: item, factor_variance: 0.4, factor_init: 0.05}
        user_by_item_offset: {of: user, times: item_offset, variance: 0.25}
        user_by_item_count: {of: user, times: item_count_centred, variance: 0.6}
        user_by_year: {of: user, times: year_centred, variance: 0.08}
        item_by_age: {of: item, times: age_centred, variance: 0.08}
        user_genre: {of: [user, item.genres], variance: 0.06}
        genre: {of: item.genres, variance: 0.04, factor: item, factor_variance: 0.1, factor_init: 0.05}
        user_word: {of: [user, item.title], variance: 0.2, normalise: none}
        user_category: {of: [user, item.category], variance: 0.06}
        category: {of: item.category, variance: 0.04}
      dense:
        - item_mean
        - item_offset
        - user_offset
        - user_recent
        - session_offset
        - item_count
        - user_genre_mean
        - user_year_mean
        - year_centred

    """

  static let ratingsYAML =
    """
    label: {minimum: 1, maximum: 5, center: 3.5}
    events:
      rating: {label: value, minimum: 0.5, maximum: 5}

    """ + catalogueYAML + "features:\n  values:\n" + jointValuesYAML + jointTemplatesYAML + "model:\n"
    + membersYAML(pooled: 100) + retrieversYAML

  /// The full ensemble: the joint model, and two members that learn what it leaves over.
  /// - Parameter pooled: items of the history that the last of them takes.
  static func membersYAML(pooled: Int) -> String {
    """
      members:
        joint: {kind: joint}
        neighbours: {kind: neighbours, of: user, residual_of: joint}
        pooled: {kind: pooled, factors: 8, length: \(pooled), rate: 0.08, init: 0.025, residual_of: joint}
      stack: {by: rls}

    """
  }

  static let retrieversYAML = """
    retrieval:
      retrievers:
        factors: {kind: factors, length: 64}
        neighbours: {kind: neighbours}
        popularity: {kind: popularity}
        content: {kind: content, length: 32, decay: 0.9}

    """
}
