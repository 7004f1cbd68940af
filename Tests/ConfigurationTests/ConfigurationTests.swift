import Testing

@testable import Configuration

@Suite struct ConfigurationTests {
  private func problems(_ yaml: String) -> [ConfigurationProblem] {
    do {
      _ = try Configuration(yaml: yaml)
      return []
    } catch {
      return error.problems
    }
  }

  @Test(
    "every preset is free of errors, and so is its rendering, which reads back equal",
    arguments: Preset.allCases)
  func presets(preset: Preset) throws {
    let configuration = try Configuration(yaml: preset.yaml)
    let rendered = configuration.rendered()
    let again = try Configuration(yaml: rendered)
    #expect(again == configuration)
    #expect(again.rendered() == rendered)
    #expect(again.learnedHash == configuration.learnedHash)
    #expect(try Configuration(yaml: configuration.rendered(isCommented: true)) == configuration)
    #expect(try Configuration(yaml: "preset: \(preset.rawValue)\n") == configuration)
  }

  @Test("a preset's values are overridden by the file, by name and in part, and null takes an entry away")
  func overrides() throws {
    let configuration = try Configuration(
      yaml: """
        preset: clicks
        events:
          click: {weight: 2}
          view: null
          like: positive
        publish: {every: 50ms}
        server: /tmp/cowbird.sock
        """)
    let names = configuration.events.map(\.name)
    #expect(names == ["click", "purchase", "impression", "rating", "like"])
    #expect(configuration.events[0].weight == 2)
    #expect(configuration.events[0].label == .positive)
    #expect(configuration.publish.every == 50_000_000)
    #expect(configuration.server.socket == "/tmp/cowbird.sock")
  }

  @Test("an error names line, column, path, value and what is allowed")
  func rangeError() {
    let found = problems("preset: ratings\nlearning:\n  rate: -1\n")
    #expect(found.count == 1)
    #expect(
      found.first?.description
        == "line 3, column 9: learning.rate: \"-1\" is not allowed; allowed: a number from 0 to 100")
  }

  @Test("unknown keys and names are errors with a suggestion")
  func suggestions() {
    #expect(problems("preset: rating\nevents: {a: value}")[0].message.contains("did you mean \"ratings\"?"))
    let key = problems("preset: clicks\nlerning: {rate: 1}\n")
    #expect(key.count == 1 && key[0].line == 2 && key[0].message.contains("did you mean \"learning\"?"))
    let choice = problems("preset: clicks\nlogging:\n  level: warnin\n")
    #expect(choice.count == 1 && choice[0].message.contains("did you mean \"warning\"?"))
    let source = problems("preset: ratings\nfeatures:\n  sparse:\n    x: [user, item.genre]\n")
    #expect(source.count == 1 && source[0].line == 4)
    #expect(source.first?.message.contains("did you mean \"item.genres\"?") == true)
  }

  @Test("all problems are told at once, in the order of the file")
  func several() {
    let found = problems(
      """
      preset: clicks
      publish: {every: 10}
      limits: {users: many, item: 3}
      log:
        segment: 64QiB
      """)
    #expect(found.map(\.path) == ["publish.every", "limits.users", "limits.item", "log.segment"])
    #expect(found.map(\.line) == [2, 3, 3, 5])
  }

  @Test(
    "what cannot work together is refused where it should change",
    arguments: [
      ("events: {view: none}", "events"),
      ("label: {minimum: 2, maximum: 1}\nevents: {a: value}", "label.minimum"),
      ("events: {a: {label: negative, delay: 1s, answered_by: b}}", "events.a.answered_by"),
      ("events: {a: value}\nmodel: {loss: logistic}\nlabel: {maximum: 5}", "model.loss"),
      ("events: {a: value}\nfeatures: {values: {x: {from: y}, y: {from: x}}}", "features.values.x"),
      ("events: {a: value}\nfeatures: {values: {x: {statistic: session}}}", "features.values.x.gap"),
      ("events: {a: value}\nfeatures: {values: {x: {from: user, log1p: true}}}", "features.values.x.from"),
      ("events: {a: value}\nfeatures: {dense: [user]}", "features.dense"),
      ("events: {a: value}\nentities: {item: {v: vector}}", "entities.item.v.dimension"),
      ("events: {a: value}\nmodel: {use: fm}", "model.use"),
      ("events: {a: value}\nserver: {permissions: {x: predict}}", "server.permissions.x"),
      ("events: {\"a.b\": value}", "events"),
    ])
  func cross(yaml: String, path: String) {
    #expect(problems(yaml).map(\.path).contains(path), "\(problems(yaml))")
  }

  @Test("nothing, other shapes, broken YAML and too much of it are errors, not traps")
  func broken() {
    #expect(problems("")[0].message.contains("preset"))
    #expect(problems("- a\n- b")[0].message.contains("a mapping"))
    #expect(problems("a: [1, 2")[0].message.contains("not YAML"))
    #expect(problems("publish: 1\npublish: 2")[0].message.contains("publish"))
    #expect(problems(String(repeating: " ", count: 2 << 20))[0].message.contains("too many"))
    #expect(!problems("? [a, b]\n: c").isEmpty)
    #expect(!problems("events: {a: {b: {c: {d: e}}}}").isEmpty)
  }

  @Test("a setting is changed by its path with the same checks, all or none")
  func settings() throws {
    let start = Preset.clicks.configuration
    let changed = try start.setting([("learning.rate", "0.05"), ("hygiene.burst.action", "weight")])
    #expect(changed.learning.rate == 0.05 && changed.hygiene.burst.action == .weight)
    #expect(
      start.changes(to: changed)
        == [
          FieldChange(path: "learning.rate", from: "1", to: "0.05", effect: .learning),
          FieldChange(
            path: "hygiene.burst.action", from: "quarantine", to: "weight", effect: .learning),
        ])
    #expect(throws: ConfigurationError.self) {
      try start.setting([("learning.rate", "0.05"), ("publish.every", "never")])
    }
    #expect(throws: ConfigurationError.self) { try start.setting([("learning.rat", "0.05")]) }
    #expect(throws: ConfigurationError.self) { try start.setting([("", "1")]) }
    #expect(throws: ConfigurationError.self) { try start.setting([("learning..rate", "1")]) }
    #expect(throws: ConfigurationError.self) { try start.setting([("learning", "1")]) }
  }

  @Test(
    "a setting of an entry that is not there is refused with the one that was meant, and a grant is added")
  func addedByPath() throws {
    let start = Preset.clicks.configuration
    let error = #expect(throws: ConfigurationError.self) {
      try start.setting([("model.members.jont.noise", "3")])
    }
    #expect(
      error?.problems == [
        ConfigurationProblem(
          path: "model.members.jont", message: "there is no \"jont\"; did you mean \"joint\"?")
      ])
    let granted = try start.setting([
      ("server.permissions.reader", "{user: nobody, may: [predict]}")
    ])
    #expect(granted.server.permissions.map(\.name) == ["reader"])
  }

  @Test("an event type says its label, or none is made of its events")
  func defaultLabel() throws {
    let configuration = try Configuration(yaml: "preset: clicks\nevents: {share: {}, like: {weight: 2}}\n")
    #expect(configuration.events.suffix(2).map(\.label) == [.none, .none])
    #expect(configuration.events[0].label == .positive)
  }

  @Test("the learned hash changes with what is learned, and only the other with how the daemon runs")
  func hashes() throws {
    let start = Preset.ratings.configuration
    let learned = try start.setting([("features.sparse.user.variance", "0.3")])
    let operational = try start.setting([("server.reactors", "2")])
    #expect(learned.learnedHash != start.learnedHash)
    #expect(learned.operationalHash == start.operationalHash)
    #expect(operational.learnedHash == start.learnedHash)
    #expect(operational.operationalHash != start.operationalHash)
  }

  @Test(
    "durations and sizes are read exactly and written in the coarsest exact unit",
    arguments: [
      ("10ms", 10_000_000, "10ms"), ("7d", 604_800_000_000_000, "7d"), ("1.5h", 5_400_000_000_000, "90m"),
      ("1000us", 1_000_000, "1ms"), ("0", 0, "0ns"), ("48h", 172_800_000_000_000, "2d"),
    ] as [(String, Int64, String)])
  func durations(text: String, nanos: Int64, written: String) {
    #expect(DurationText.parse(text) == nanos)
    #expect(DurationText.render(nanos) == written)
    #expect(DurationText.parse(written) == nanos)
  }

  @Test(
    "what is no quantity is refused",
    arguments: ["", "ms", "10", "-1s", "1e3s", "1..2s", "5 parsecs", "inf", "300000000d"])
  func badDurations(text: String) {
    #expect(DurationText.parse(text) == nil)
  }

  @Test("sizes have binary and decimal units, and bare bytes")
  func sizes() {
    #expect(SizeText.parse("64MiB") == 64 << 20)
    #expect(SizeText.parse("1.5GB") == 1_500_000_000)
    #expect(SizeText.parse("4096") == 4096)
    #expect(SizeText.render(64 << 20) == "64MiB")
    #expect(SizeText.parse("99999999999TiB") == nil)
  }

  @Test("a file's mode is octal")
  func mode() throws {
    #expect(try Configuration(yaml: "preset: ads\nserver: {mode: 0600}").server.mode == 0o600)
    #expect(problems("preset: ads\nserver: {mode: 0999}").map(\.path) == ["server.mode"])
  }

  @Test("text that YAML would read as something else is quoted in the rendering")
  func quoting() throws {
    var configuration = Preset.ratings.configuration
    for text in ["true", "null", "a: b", "line\nbreak", "\"", "\\", "é#", "12", "-", "\u{7F}\u{85}", ""] {
      configuration.server.group = text
      #expect(try Configuration(yaml: configuration.rendered()).server.group == text)
    }
  }

  @Test(
    "what contradicts something else is said with the line of the element at fault, its value and what is allowed",
    arguments: [
      (
        "features:\n  values:\n    r: {statistic: rate, of: item, types: [click], shrinkage: 3,\n      numerator: [clik]}\n",
        5, "features.values.r.numerator", "no event type \"clik\"; did you mean \"click\"?"
      ),
      (
        "features:\n  dense:\n    - item_mean\n    - user_offset\n    - itm_count\n",
        6, "features.dense", "no source \"itm_count\""
      ),
      (
        "features:\n  dense:\n    - item_mean\n    - [a]\n",
        5, "features.dense", "a list of 1 is not allowed; allowed: text of"
      ),
      (
        "retrieval:\n  retrievers:\n    popularity:\n      half_lives_events:\n        - 100\n        - -5\n",
        7, "retrieval.retrievers.popularity.half_lives_events",
        "\"-5\" is not allowed; allowed: a number from 1 to"
      ),
      (
        "features: {sparse: {x: {of: [user, item, type, source, time.hour]}}}\n",
        2, "features.sparse.x.of", "a list of 5 is not allowed; allowed: a list of 1 to 4"
      ),
      (
        "hygiene:\n  outlier:\n    context:\n      - amount\n      - amount\n",
        6, "hygiene.outlier.context", "\"amount\" is not allowed; allowed: each of the list once"
      ),
      (
        "model:\n  members:\n    a: {kind: linear, residual_of: b}\n    b: {kind: linear, residual_of: a}\n",
        4, "model.members.a.residual_of",
        "\"b\" is no member that takes part and stands before it; allowed: one of joint, neighbours, pooled"
      ),
      (
        "model:\n  members:\n    a: {kind: linear, residual_of: pooled}\n    pooled: {on: false}\n",
        4, "model.members.a.residual_of", "\"pooled\" is no member that takes part"
      ),
      (
        "model:\n  members: {joint: {on: false}, neighbours: null, pooled: null}\n",
        3, "model.members", "none takes part; set model.use to auto, or model.members.NAME.on of one of joint"
      ),
      (
        "model:\n  members: {joint: null, neighbours: null, pooled: null}\n", 3, "model.members",
        "there is none; name at least one"
      ),
      (
        "model:\n  members:\n    a: {kind: mlp,\n      optimizer: ftrl}\n",
        5, "model.members.a.optimizer", "\"ftrl\" is not allowed for kind: mlp"
      ),
      (
        "features: {values: {a: {from: item.year, clip: [5, 1]}}}\n",
        2, "features.values.a.clip", "[5, 1] is not allowed; allowed: two numbers, lowest first"
      ),
      (
        "features: {values: {a: {from: item.year, within: [5]}}}\n",
        2, "features.values.a.within", "[5] is not allowed; allowed: two numbers, lowest first"
      ),
      (
        "features:\n  values:\n    a:\n      from: item.year\n      bucketise:\n        - 1\n        - 3\n        - 2\n",
        9, "features.values.a.bucketise", "2 after 3; allowed: numbers that grow"
      ),
      (
        "features: {values: {a: {from: item.year, bucketise: [1], step: 3}}}\n",
        2, "features.values.a", "has bucketise and step; allowed: one of bucketise, step and within"
      ),
      (
        "features: {values: {a: {statistic: decayed, of: item, half_life: 0s}}}\n",
        2, "features.values.a.half_life", "\"0s\" is not allowed; allowed: a duration from 1ns to"
      ),
      (
        "features: {values: {a: {statistic: decayed, of: item}}}\n",
        2, "features.values.a.half_life", "a decayed count needs a half-life above 0"
      ),
      (
        "features: {values: {a: {statistic: rate, of: item, numerator: [click], shrinkage: 0}}}\n",
        2, "features.values.a.shrinkage", "\"0\" is not allowed; allowed: a number from 1e-09 to"
      ),
      (
        "entities: {item: {v: {type: vector, dimension: 0}}}\n",
        2, "entities.item.v.dimension", "\"0\" is not allowed; allowed: a whole number from 1 to 4096"
      ),
      (
        "events:\n  view: none\n  clck: null\n", 4, "events.clck",
        "there is no \"clck\" to take away; did you mean \"click\"?"
      ),
      (
        "features: {values: {item_maen: null}}\n", 2, "features.values.item_maen",
        "there is no \"item_maen\" to take away; did you mean \"item_mean\"?"
      ),
      (
        "events:\n  view: none\n  click: null\n", 4, "events.impression.answered_by",
        "no event type \"click\"; known: view, purchase"
      ),
      (
        "events: null\n", 2, "events", "no event types; name at least one"
      ),
      (
        "limits: {users: 5000}\nentities:\n  item: {genres: null}\n", 4, "features.values.user_genre_mean.of",
        "no source \"item.genres\""
      ),
      (
        "limits: {users: 5000}\nentities:\n  item: {genres: number}\n", 4,
        "features.values.user_genre_mean.of", "\"item.genres\" is a number"
      ),
      (
        "limits: {users: 5000}\nlabel: {minimum: 0, maximum: 5}\n", 3, "model.loss", "logistic loss needs"
      ),
      (
        "retrieval:\n  retrievers:\n    zz: {kind: neighbours}\n", 4, "retrieval.retrievers.zz",
        "is a second retriever of kind neighbours, beside neighbours; allowed: one of each kind; give it kind popularity"
      ),
      (
        "retrieval:\n  retrievers:\n    a: {segment: user.age_0}\n", 4,
        "retrieval.retrievers.a.segment", "no source \"user.age_0\""
      ),
      (
        "retrieval:\n  retrievers:\n    a: {segment: user.country}\n    b: {segment: user.country}\n"
          + "    c: {segment: user.country}\n    d: {segment: user.country}\n    e: {segment: user.country}\n",
        8, "retrieval.retrievers.e", "counts by segment, as a, b, c, d do; allowed: 4 that do"
      ),
      (
        "publish: {every: 50ms}\nlimits:\n  users: 10\npublish:\n  count: 1\n", 5, "",
        "repeated key \"publish\"; it stands on line 2 already"
      ),
      (
        "limits: {users: 5000}\nevents: {\"a\": none, b: none,\n  \"a\": positive}\n", 4, "",
        "repeated key \"a\"; it stands on line 3 already"
      ),
      (
        "data: \"a\\0b\"\n", 2, "data",
        "\"a\\x00b\" is not allowed; allowed: text of 1 to 4096 bytes, none of them NUL"
      ),
    ] as [(String, Int, String, String)])
  func places(rest: String, line: Int, path: String, message: String) throws {
    let error = #expect(throws: ConfigurationError.self) {
      try Configuration(yaml: "preset: clicks\n" + rest)
    }
    let problem = try #require(error?.problems.first)
    #expect(problem.line == line)
    #expect(problem.path == path)
    #expect(problem.message.hasPrefix(message), "\(problem.message)")
  }
}
