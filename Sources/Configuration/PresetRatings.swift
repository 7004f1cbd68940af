// Preset `ratings`: the joint model's features over people and films, and the ensemble over them.

extension Preset {
  /// Attributes of people and films, as MovieLens has them; names that are not sent cost nothing.
  static let catalogueYAML = """
    entities:
      user: {age: number, gender: category, occupation: category, zip: category, country: category}
      item: {title: {type: text, minimum_token: 4}, year: number, genres: categories, category: category}

    """

  /// Values and templates of users, items, their attributes and running means: the joint model's features.
  static let jointValuesYAML = """
        age_band: {from: user.age, bucketise: [18, 25, 30, 35, 45, 55]}
        age_centred: {from: user.age, missing: 32, offset: -32, scale: 0.05}
        year_centred: {from: item.year, missing: 1990, offset: -1990, scale: 0.05}
        year_3: {from: item.year, step: 3}
        year_5: {from: item.year, step: 5}
        year_10: {from: item.year, step: 10}
        genre_set: {from: item.genres, set: true}
        user_session: {statistic: session, of: user, gap: 1h}
        user_page: {statistic: session, of: user, gap: 1m}
        user_mean: {statistic: mean, of: user, shrinkage: 5}
        item_mean: {statistic: mean, of: item, shrinkage: 5}
        user_offset: {statistic: mean, of: user, minus: item_offset, shrinkage: 5}
        item_offset: {statistic: mean, of: item, minus: user_offset, shrinkage: 3}
        user_fast: {statistic: ew_mean, of: user, minus: item_offset, rate: 0.3, warmup: 0}
        user_slow: {statistic: ew_mean, of: user, minus: item_offset, rate: 0.1, warmup: 3}
        user_slowest: {statistic: ew_mean, of: user, minus: item_offset, rate: 0.03, warmup: 5}
        item_recent: {statistic: ew_mean, of: item, rate: 0.05, warmup: 4}
        item_recent_offset: {statistic: ew_mean, of: item, minus: user_offset, rate: 0.05, warmup: 4}
        user_count: {statistic: count, of: user, log1p: true, scale: 0.2}
        item_count: {statistic: count, of: item, log1p: true, scale: 0.2}
        user_recency: {statistic: recency, of: user, missing: 0, log1p: true, scale: 0.1}
        user_at_once: {statistic: recency, of: user, missing: 0, within: [0, 0]}
        item_recency: {statistic: recency, of: item, missing: 0, log1p: true, scale: 0.1}
        session_offset: {statistic: mean, of: user, minus: item_offset, shrinkage: 3, gap: 1h}
        page_offset: {statistic: mean, of: user, minus: item_offset, shrinkage: 3, gap: 1m}
        session_count: {statistic: count, of: user, gap: 1h, log1p: true, scale: 0.2}
        user_last: {statistic: last, of: user, minus: [user_offset, item_offset], missing: 0}
        user_spread: {statistic: square, of: user, minus: user_mean, prior: 1, shrinkage: 5, sqrt: true, offset: -1}
        item_spread: {statistic: square, of: item, minus: item_mean, prior: 1, shrinkage: 5, sqrt: true, offset: -1}
        all_recent: {statistic: ew_mean, minus: [user_offset, item_offset], rate: 0.02, warmup: 0}
        user_genre_mean: {statistic: mean, of: [user, item.genres], minus: [user_offset, item_offset], shrinkage: 3, missing: 0}
        group_genre_mean: {statistic: mean, of: [item.genres, user.gender, age_band], minus: [user_offset, item_offset], shrinkage: 20, missing: 0}
        user_year_mean: {statistic: mean, of: [user, year_5], minus: [user_offset, item_offset], shrinkage: 3, missing: 0}
        item_gender_mean: {statistic: mean, of: [item, user.gender], minus: [user_offset, item_offset], shrinkage: 5, missing: 0}
        item_age_mean: {statistic: mean, of: [item, age_band], minus: [user_offset, item_offset], shrinkage: 5, missing: 0}
        item_occupation_mean: {statistic: mean, of: [item, user.occupation], minus: [user_offset, item_offset], shrinkage: 5, missing: 0}
        user_age_days: {statistic: age, of: user, missing: 0, offset: 0, scale: 0.000011574074074}
        user_age: {from: user_age_days, log1p: true, scale: 0.3}
        item_age_days: {statistic: age, of: item, missing: 0, scale: 0.000011574074074}
        item_age: {from: item_age_days, log1p: true, scale: 0.3}
        item_popularity: {statistic: count, of: item, log1p: true, scale: 1.4426950408889634, step: 1}
        user_activity: {statistic: count, of: user, log1p: true, scale: 1.4426950408889634, step: 1}
        item_mean_step: {statistic: mean, of: item, shrinkage: 5, step: 0.25}
        item_count_centred: {statistic: count, of: item, log1p: true, offset: -4, scale: 0.2}

    """

  static let jointTemplatesYAML = """
      sparse:
        user: {of: user, variance: 0.1, factor: user, factor_variance: 0.1, factor_init: 0.05}
        item: {of: item, variance: 0.1, factor: item, factor_variance: 0.03, factor_init: 0.15}
        user_session: {of: [user, user_session], variance: 0.05}
        user_page: {of: [user, user_page], variance: 0.05}
        user_slope: {of: user, times: user_age, variance: 0.01}
        item_slope: {of: item, times: item_age, variance: 0.01}
        user_by_count: {of: user, times: user_count, variance: 0.01}
        user_popularity: {of: [user, item_popularity], variance: 0.03}
        user_item_mean: {of: [user, item_mean_step], variance: 0.03}
        item_activity: {of: [item, user_activity], variance: 0.01}
        user_by_item_offset: {of: user, times: item_offset, variance: 0.02}
        user_by_item_count: {of: user, times: item_count_centred, variance: 0.02}
        item_by_user_offset: {of: item, times: user_offset, variance: 0.01}
        user_genre: {of: [user, item.genres], variance: 0.03}
        genre: {of: item.genres, variance: 0.01, factor: item, factor_variance: 0.01, factor_init: 0.15}
        genre_gender: {of: [item.genres, user.gender], variance: 0.01}
        genre_age: {of: [item.genres, age_band], variance: 0.01}
        genre_occupation: {of: [item.genres, user.occupation], variance: 0.01}
        genre_group: {of: [item.genres, user.gender, age_band], variance: 0.01}
        session_genre: {of: [user, user_session, item.genres], variance: 0.01}
        genre_activity: {of: [item.genres, user_activity], variance: 0.003}
        user_genre_set: {of: [user, genre_set], variance: 0.02}
        user_year_3: {of: [user, year_3], variance: 0.02}
        user_year_10: {of: [user, year_10], variance: 0.02}
        user_by_year: {of: user, times: year_centred, variance: 0.01}
        item_gender: {of: [item, user.gender], variance: 0.02}
        item_age: {of: [item, age_band], variance: 0.02}
        item_occupation: {of: [item, user.occupation], variance: 0.02}
        item_group: {of: [item, user.gender, age_band], variance: 0.01}
        item_by_age: {of: item, times: age_centred, variance: 0.01}
        genre_set: {of: genre_set, variance: 0.01}
        year_age: {of: [year_5, age_band], variance: 0.01, factor: none}
        year_gender: {of: [year_5, user.gender], variance: 0.01}
        year_occupation: {of: [year_5, user.occupation], variance: 0.01}
        set_gender: {of: [genre_set, user.gender], variance: 0.01}
        set_age: {of: [genre_set, age_band], variance: 0.01}
        set_occupation: {of: [genre_set, user.occupation], variance: 0.01}
        occupation: {of: user.occupation, variance: 0.02, factor: user, factor_variance: 0.003, factor_init: 0.05}
        group: {of: [user.gender, age_band], variance: 0.01, factor: user, factor_variance: 0.003, factor_init: 0.05}
        occupation_gender: {of: [user.occupation, user.gender], variance: 0.01}
        user_word: {of: [user, item.title], variance: 0.01, normalise: none}
        word: {of: item.title, variance: 0.005, normalise: none}
        user_category: {of: [user, item.category], variance: 0.03}
        category: {of: item.category, variance: 0.01}
      dense:
        - user_mean
        - item_mean
        - user_offset
        - item_offset
        - user_fast
        - user_slow
        - user_slowest
        - item_recent
        - item_recent_offset
        - user_count
        - item_count
        - user_recency
        - user_at_once
        - item_recency
        - session_offset
        - page_offset
        - session_count
        - user_last
        - user_spread
        - item_spread
        - user_mean * item_mean
        - item_mean * user_spread
        - user_offset * item_offset
        - item_offset * user_count
        - item_offset * item_count
        - user_offset * user_count
        - all_recent
        - user_genre_mean
        - group_genre_mean
        - user_year_mean
        - item_gender_mean
        - item_age_mean
        - item_occupation_mean
        - year_centred

    """

  static let ratingsYAML =
    """
    label: {minimum: 1, maximum: 5, center: 3.5}
    events:
      rating: {label: value}

    """ + catalogueYAML + "features:\n  values:\n" + jointValuesYAML + jointTemplatesYAML + "model:\n"
    + membersYAML + retrieversYAML

  /// The full ensemble.
  static let membersYAML = """
      members:
        joint: {kind: joint, factors: 8}
        item_neighbours: {kind: neighbours, of: item, residual_of: joint}
        user_neighbours: {kind: neighbours, of: user, residual_of: joint}
        pooled: {kind: pooled, factors: 16, length: 100, rate: 0.03, init: 0.1, l2: 0.01, residual_of: joint}
      stack: {by: both}

    """

  static let retrieversYAML = """
    retrieval:
      retrievers:
        neighbours: {kind: neighbours}
        popularity: {kind: popularity}
        factors: {kind: factors}
        content: {kind: content}

    """
}
