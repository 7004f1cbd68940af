// Presets of binary labels: `clicks`, `ads`, `fraud`.

extension Preset {
  static let clicksYAML =
    """
    label: {minimum: 0, maximum: 1, center: 0.5}
    events:
      click: {label: positive}
      view: {label: none}
      purchase: {label: positive, weight: 3}
      impression: {label: negative, delay: 30m, answered_by: [click, purchase], interaction: false}
      rating: {label: threshold, threshold: 4, minimum: 0.5, maximum: 5}

    """ + catalogueYAML
    + "features:\n  context: {device: category, page: category, position: number}\n  values:\n"
    + jointValuesYAML + clicksValuesYAML + jointTemplatesYAML + clicksTemplatesYAML
    + "model:\n  loss: logistic\n" + membersYAML(pooled: 50) + retrieversYAML + countingYAML

  /// A rate by impressions counts those of logged answers, too.
  private static let countingYAML = """
      impressions_count_as: impression

    """

  /// What is hot: rates of clicks for impressions, decayed.
  private static let clicksValuesYAML = """
        item_click_rate: {statistic: rate, of: item, numerator: [click], types: [click, impression], prior: 0.1, shrinkage: 20, half_life: 7d}
        position_log: {from: context.position, missing: 0, clip: [0, 1000], log1p: true, scale: 0.3}

    """

  private static let clicksTemplatesYAML = """
        - item_click_rate
        - position_log

    """

  static let adsYAML = """
    label: {minimum: 0, maximum: 1, center: 0.5}
    events:
      click: {label: positive}
      impression: {label: negative, delay: 10m, answered_by: [click]}
      conversion: {label: none}
    entities:
      user: {age: number, gender: category, country: category, interests: categories}
      item: {advertiser: category, campaign: category, category: category, format: category, price: number}
    features:
      context: {device: category, site: category, page: category, position: category, os: category}
      values:
        age_band: {from: user.age, bucketise: [18, 25, 30, 35, 45, 55]}
        item_rate: {statistic: rate, of: item, numerator: [click], types: [click, impression], prior: 0.05, shrinkage: 50, half_life: 1d}
        campaign_rate: {statistic: rate, of: item.campaign, numerator: [click], types: [click, impression], prior: 0.05, shrinkage: 50, half_life: 1d, missing: 0.05}
        user_rate: {statistic: rate, of: user, numerator: [click], types: [click, impression], prior: 0.05, shrinkage: 20, half_life: 7d}
        site_rate: {statistic: rate, of: context.site, numerator: [click], types: [click, impression], prior: 0.05, shrinkage: 50, half_life: 1d, missing: 0.05}
        seen_before: {statistic: decayed, of: [user, item], half_life: 1d, log1p: true}
        user_recency: {statistic: recency, of: user, missing: 604800, log1p: true, scale: 0.1}
      sparse:
        user: {of: user, variance: 0.1, factor: user}
        item: {of: item, variance: 0.1, factor: item}
        advertiser: {of: item.advertiser, variance: 0.1, factor: item, factor_variance: 0.02}
        campaign: {of: item.campaign, variance: 0.1}
        category: {of: item.category, variance: 0.05, factor: item, factor_variance: 0.02}
        format: {of: item.format}
        device: {of: context.device}
        site: {of: context.site, variance: 0.05}
        page: {of: context.page, variance: 0.05}
        position: {of: context.position, variance: 0.1}
        hour: {of: time.hour}
        weekday: {of: time.weekday}
        country: {of: user.country}
        interests: {of: user.interests, factor: user, factor_variance: 0.02}
        site_item: {of: [context.site, item]}
        site_advertiser: {of: [context.site, item.advertiser]}
        position_item: {of: [context.position, item]}
        device_os: {of: [context.device, context.os]}
        user_advertiser: {of: [user, item.advertiser]}
        user_category: {of: [user, item.category]}
        interest_category: {of: [user.interests, item.category]}
        group_category: {of: [user.gender, age_band, item.category]}
        hour_category: {of: [time.hour, item.category]}
      dense: [item_rate, campaign_rate, user_rate, site_rate, seen_before, user_recency, item_rate * user_rate]
    model:
      loss: logistic
      members:
        joint: {kind: joint, factors: 8}
      stack: {by: first}
    retrieval: {impressions_count_as: impression}

    """

  static let fraudYAML = """
    label: {minimum: 0, maximum: 1, center: 0.5}
    events:
      payment: {label: threshold, threshold: 0.5, default_value: 0}
    entities:
      user: {country: category, age: number}
      item: {country: category, category: category}
    features:
      context: {amount: number, country: category, device: category, channel: category, currency: category}
      values:
        amount_log: {from: context.amount, missing: 0, clip: [-1e12, 1e12], log1p: true}
        amount_standard: {from: amount_log, standardise: true, clip: [-10, 10]}
        amount_band: {from: amount_log, step: 0.7}
        user_count_day: {statistic: decayed, of: user, half_life: 1d, log1p: true}
        user_count_hour: {statistic: decayed, of: user, half_life: 1h, log1p: true}
        item_count_hour: {statistic: decayed, of: item, half_life: 1h, log1p: true}
        device_count_hour: {statistic: decayed, of: context.device, half_life: 1h, missing: 0, log1p: true}
        user_fraud: {statistic: mean, of: user, shrinkage: 5, prior: -0.49}
        item_fraud: {statistic: mean, of: item, shrinkage: 20, prior: -0.49}
        device_fraud: {statistic: mean, of: context.device, shrinkage: 5, prior: -0.49, missing: -0.49}
        country_fraud: {statistic: mean, of: context.country, shrinkage: 50, prior: -0.49, missing: -0.49}
        user_recency: {statistic: recency, of: user, missing: 2592000, log1p: true, scale: 0.1}
        user_item_count: {statistic: count, of: [user, item], log1p: true}
        user_country_count: {statistic: count, of: [user, context.country], missing: 0, log1p: true}
        user_device_count: {statistic: count, of: [user, context.device], missing: 0, log1p: true}
      sparse:
        user: {of: user, variance: 0.1}
        item: {of: item, variance: 0.1}
        amount: {of: amount_band, variance: 0.1}
        device: {of: context.device}
        channel: {of: context.channel, variance: 0.1}
        currency: {of: context.currency}
        country: {of: context.country, variance: 0.05}
        user_country: {of: [user.country, context.country]}
        category: {of: item.category, variance: 0.05}
        category_amount: {of: [item.category, amount_band], variance: 0.05}
        channel_amount: {of: [context.channel, amount_band], variance: 0.05}
        hour: {of: time.hour}
        weekday: {of: time.weekday}
        hour_category: {of: [time.hour, item.category]}
      dense:
        - amount_log
        - amount_standard
        - user_count_day
        - user_count_hour
        - item_count_hour
        - device_count_hour
        - user_fraud
        - item_fraud
        - device_fraud
        - country_fraud
        - user_recency
        - user_item_count
        - user_country_count
        - user_device_count
        - user_count_hour * amount_log
    model:
      loss: logistic
      members:
        joint: {kind: joint, factors: 4}
      stack: {by: first}
    hygiene:
      anomaly: {action: weight, weight: 0.5}

    """
}
