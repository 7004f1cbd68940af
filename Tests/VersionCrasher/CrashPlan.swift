// What child and harness agree on. The harness has a copy by symbolic link.

import Configuration

enum CrashPlan {
  /// Small and quick, with a part of each kind: ids, a statistic, a cross, names. Versions often, few of them kept.
  /// (The table of bursts is half a megabyte of each version, and slow to digest without optimisation.)
  static func configuration(_ directory: String) throws -> Configuration {
    var configuration = try Configuration(
      yaml: """
        label: {minimum: 0, maximum: 1, center: 0.5}
        events:
          click: {label: positive}
          skip: {label: negative}
        features:
          values:
            item_rate: {statistic: rate, of: item, numerator: [click], types: [click, skip], prior: 0.3, shrinkage: 5}
          sparse:
            user: {of: user}
            item: {of: item}
            hour_item: {of: [time.hour, item]}
          dense: [item_rate]
        model:
          loss: logistic
          members:
            fm: {kind: fm, factors: 4}
          stack: {by: first}
        hygiene: {burst: {action: off}}
        versions: {every: 0s, every_events: 150, keep: 4, keep_for: 0s, full_every: 3, in_memory: 2, at_stop: false}
        logging: {level: critical}
        """)
    configuration.data = directory + "/data"
    configuration.server.socket = directory + "/s"
    configuration.server.reactors = 1
    configuration.log.segment = 1 << 20
    return configuration
  }
}
