// `cowbird score`, `recommend` and `explain`: ask a running daemon.

import ArgumentParser
import CMessages
import Wire

/// What all three are told.
struct PredictOptions: ParsableArguments {
  @OptionGroup var client: ClientOptions

  @Option(name: [.long, .customShort("V")], help: "\(Selector.help)")
  var version: Selector = .serving

  @Option(
    help: ArgumentHelp(
      "A fact of the moment, such as device=mobile; may be repeated.", valueName: "name=value"))
  var context: [NamedValue] = []

  @Option(help: "Wait until the record at this offset is in the model.")
  var minOffset: UInt64?

  @Flag(help: "If that takes longer than --timeout, answer from what there is.")
  var allowDegraded = false

  @Flag(help: "The answer as JSON.")
  var json = false

  func freshness(_ arena: MessageArena) -> UnsafeMutablePointer<Cowbird__V1__Freshness>? {
    guard minOffset != nil || allowDegraded else { return nil }
    var message = Cowbird__V1__Freshness.empty
    if let minOffset {
      message.min_offset_presence_case = COWBIRD__V1__FRESHNESS__MIN_OFFSET_PRESENCE_MIN_OFFSET
      message.min_offset = minOffset
    }
    message.allow_degraded = allowDegraded ? 1 : 0
    return arena.message(message)
  }

  /// Says under the answer what it was read from.
  func footer(
    _ model: UnsafeMutablePointer<Cowbird__V1__ModelReference>?, _ degraded: UnsafeMutablePointer<CChar>?
  ) -> String {
    let warning = text(degraded)
    return Terminal.styled("from \(Show.model(model))", .dim)
      + (warning.isEmpty ? "" : Terminal.styled("\ndegraded: \(warning)", .yellow))
  }
}

/// `name=value`: a number, true or false, several texts with commas between, or a text.
struct NamedValue: ExpressibleByArgument {
  var name: String
  var value: String

  init?(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty else { return nil }
    (name, value) = (String(parts[0]), String(parts[1]))
  }

  func message(_ arena: MessageArena) -> Cowbird__V1__Attribute {
    var message = Cowbird__V1__Attribute.empty
    message.name = arena.text(name)
    if let number = Double(value), number.isFinite {
      message.value_case = COWBIRD__V1__ATTRIBUTE__VALUE_NUMBER
      message.number = number
    } else if value == "true" || value == "false" {
      message.value_case = COWBIRD__V1__ATTRIBUTE__VALUE_FLAG
      message.flag = value == "true" ? 1 : 0
    } else if value.contains(",") {
      var list = Cowbird__V1__TextList.empty
      (list.n_values, list.values) = arena.texts(value.split(separator: ",").map(String.init))
      message.value_case = COWBIRD__V1__ATTRIBUTE__VALUE_TEXTS
      message.texts = arena.message(list)
    } else {
      message.value_case = COWBIRD__V1__ATTRIBUTE__VALUE_TEXT
      message.text = arena.text(value)
    }
    return message
  }
}

struct Score: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Scores items for a user.",
    discussion: """
      Examples:
        cowbird score --user 42 item-1 item-2 item-3
        cowbird score --user 42 --context device=mobile --version v17 --json item-1
      """)

  @OptionGroup var options: PredictOptions
  @Option(help: "Id of the user.") var user = ""
  @Argument(help: "Ids of the items.") var items: [String]

  func run() throws {
    let answer = try options.client.connect().call("Predict", "Score", as: Cowbird__V1__ScoreResponse.self) {
      (arena, request: inout Cowbird__V1__ScoreRequest) in
      request.user = arena.text(user)
      (request.n_context, request.context) = arena.messages(options.context.map { $0.message(arena) })
      (request.n_candidates, request.candidates) = arena.messages(
        items.map { item in
          var candidate = Cowbird__V1__Candidate.empty
          candidate.item = arena.text(item)
          return candidate
        })
      request.version = options.version.message(arena)
      request.freshness = options.freshness(arena)
    }
    Show.result(answer, asJSON: options.json) { message in
      var table = TextTable(["item", "score"])
      for place in 0..<min(items.count, message.n_scores) {
        table.add([items[place], Format.decimal(Double(message.scores[place]))])
      }
      return table.rendered() + "\n" + options.footer(message.model, message.degraded)
    }
  }
}

/// `thompson`, or `epsilon=0.1`.
enum Exploring: ExpressibleByArgument {
  case epsilon(Double)
  case thompson

  init?(argument: String) {
    if argument == "thompson" {
      self = .thompson
      return
    }
    guard let value = NamedValue(argument: argument), value.name == "epsilon", let share = Double(value.value)
    else { return nil }
    self = .epsilon(share)
  }

  func message(_ arena: MessageArena) -> UnsafeMutablePointer<Cowbird__V1__Exploration> {
    var message = Cowbird__V1__Exploration.empty
    switch self {
    case .epsilon(let share):
      message.kind = COWBIRD__V1__EXPLORATION__KIND__KIND_EPSILON
      message.epsilon = Float(share)
    case .thompson: message.kind = COWBIRD__V1__EXPLORATION__KIND__KIND_THOMPSON
    }
    return arena.message(message)
  }
}

struct Recommend: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Recommends items to a user: the best of the whole catalogue.",
    discussion: """
      Examples:
        cowbird recommend --user 42
        cowbird recommend --user 42 -k 20 --where category=books --at-most price=30 --limit brand=2
        cowbird recommend --attribute age=31 --seen include --json
        cowbird recommend --user 42 --boost 'category == "sale" * 1.2' --explore epsilon=0.1
      """)

  enum Seen: String, ExpressibleByArgument, CaseIterable { case exclude, include, only }

  @OptionGroup var options: PredictOptions
  @Option(help: "Id of the user; none: the fallback for unknown users.") var user = ""
  @Option(name: [.customShort("k"), .customLong("count")], help: "How many.") var count: UInt32 = 10
  @Option(
    name: .customLong("where"),
    help: ArgumentHelp(
      "Only items with this attribute; values with commas are alternatives.", valueName: "name=value"))
  var conditions: [NamedValue] = []
  @Option(help: ArgumentHelp("Only items whose attribute is at least so much.", valueName: "name=number"))
  var atLeast: [NamedValue] = []
  @Option(help: ArgumentHelp("Only items whose attribute is at most so much.", valueName: "name=number"))
  var atMost: [NamedValue] = []
  @Option(help: "Not this item; may be repeated.") var exclude: [String] = []
  @Option(help: "Items that the user has seen.") var seen: Seen?
  @Option(
    help: ArgumentHelp("At most so many items that share a value of the attribute.", valueName: "name=count"))
  var limit: [NamedValue] = []
  @Option(help: "Weight of likeness to items already chosen, 0 to 1.") var diversity: Float = 0
  @Option(
    help: ArgumentHelp(
      "Raises the score of items for which a condition holds, such as 'category == \"sale\" * 1.2'.",
      valueName: "expression"))
  var boost: [String] = []
  @Option(
    help: ArgumentHelp(
      "Shows items although others score higher: epsilon=0.1 gives each place to any candidate so often, thompson "
        + "draws from what is known of each item's rate.", valueName: "how"))
  var explore: Exploring?
  @Flag(help: "Log the answer as impressions: events that name its request id are joined with it.")
  var logImpressions = false
  @Option(help: ArgumentHelp("An attribute of a user who is not known yet.", valueName: "name=value"))
  var attribute: [NamedValue] = []

  func validate() throws {
    for bound in atLeast + atMost where Double(bound.value) == nil {
      throw ValidationError("\(bound.name)=\(bound.value): a number is expected")
    }
    for bound in limit where UInt32(bound.value) == nil {
      throw ValidationError("--limit \(bound.name)=\(bound.value): a number is expected")
    }
  }

  func run() throws {
    let answer = try options.client.connect().call(
      "Predict", "Recommend", as: Cowbird__V1__RecommendResponse.self, fill)
    Show.result(answer, asJSON: options.json) { message in
      var table = TextTable(["", "item", "score", "because"])
      for (place, item) in elements(message.items, message.n_items).enumerated() {
        table.add(["\(place + 1)", text(item.item), Format.decimal(Double(item.score)), text(item.reason)])
      }
      return table.rendered() + "\n"
        + Terminal.styled(
          "\(text(message.chain)), the best of \(Format.count(message.considered)); ", .dim)
        + options.footer(message.model, message.degraded)
        + (logImpressions ? "\nrequest id: \(text(message.request_id))" : "")
    }
  }

  private func fill(_ arena: MessageArena, _ request: inout Cowbird__V1__RecommendRequest) {
    request.user = arena.text(user)
    (request.n_context, request.context) = arena.messages(options.context.map { $0.message(arena) })
    request.k = count
    request.log_impressions = logImpressions ? 1 : 0
    (request.n_boosts, request.boosts) = arena.messages(
      boost.map { expression in
        var message = Cowbird__V1__Boost.empty
        message.expression = arena.text(expression)
        return message
      })
    request.exploration = explore?.message(arena)
    request.filter = filter(arena)
    (request.n_exclude, request.exclude) = arena.texts(exclude)
    request.seen =
      switch seen {
      case .exclude: COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_EXCLUDE
      case .include: COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_INCLUDE
      case .only: COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_ONLY
      case nil: COWBIRD__V1__SEEN_POLICY__SEEN_POLICY_UNSPECIFIED
      }
    (request.n_limits, request.limits) = arena.messages(
      limit.map { bound in
        var message = Cowbird__V1__AttributeLimit.empty
        message.attribute = arena.text(bound.name)
        message.limit = UInt32(bound.value) ?? 0
        return message
      })
    request.version = options.version.message(arena)
    request.freshness = options.freshness(arena)
    request.diversity = diversity
    (request.n_user_attributes, request.user_attributes) = arena.messages(attribute.map { $0.message(arena) })
  }

  /// All conditions together.
  private func filter(_ arena: MessageArena) -> UnsafeMutablePointer<Cowbird__V1__Filter>? {
    var parts: [Cowbird__V1__Filter] = conditions.map { condition in
      var part = Cowbird__V1__Filter__In.empty
      part.attribute = arena.text(condition.name)
      (part.n_values, part.values) = arena.texts(condition.value.split(separator: ",").map(String.init))
      var filter = Cowbird__V1__Filter.empty
      filter.kind_case = COWBIRD__V1__FILTER__KIND_IN
      filter.in = arena.message(part)
      return filter
    }
    for (bound, isLeast) in atLeast.map({ ($0, true) }) + atMost.map({ ($0, false) }) {
      var range = Cowbird__V1__Filter__Range.empty
      range.attribute = arena.text(bound.name)
      if isLeast {
        range.at_least_presence_case = COWBIRD__V1__FILTER__RANGE__AT_LEAST_PRESENCE_AT_LEAST
        range.at_least = Double(bound.value) ?? 0
      } else {
        range.at_most_presence_case = COWBIRD__V1__FILTER__RANGE__AT_MOST_PRESENCE_AT_MOST
        range.at_most = Double(bound.value) ?? 0
      }
      var filter = Cowbird__V1__Filter.empty
      filter.kind_case = COWBIRD__V1__FILTER__KIND_RANGE
      filter.range = arena.message(range)
      parts.append(filter)
    }
    guard !parts.isEmpty else { return nil }
    var all = Cowbird__V1__Filter__All.empty
    (all.n_filters, all.filters) = arena.messages(parts)
    var filter = Cowbird__V1__Filter.empty
    filter.kind_case = COWBIRD__V1__FILTER__KIND_ALL
    filter.all = arena.message(all)
    return arena.message(filter)
  }
}

struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says why one prediction is what it is.",
    discussion: """
      Example:
        cowbird explain --user 42 item-1
      """)

  @OptionGroup var options: PredictOptions
  @Option(help: "Id of the user.") var user = ""
  @Argument(help: "Id of the item.") var item: String

  func run() throws {
    let answer = try options.client.connect().call(
      "Predict", "Explain", as: Cowbird__V1__ExplainResponse.self
    ) { (arena, request: inout Cowbird__V1__ExplainRequest) in
      request.user = arena.text(user)
      (request.n_context, request.context) = arena.messages(options.context.map { $0.message(arena) })
      var candidate = Cowbird__V1__Candidate.empty
      candidate.item = arena.text(item)
      request.candidate = arena.message(candidate)
      request.version = options.version.message(arena)
      request.freshness = options.freshness(arena)
    }
    Show.result(answer, asJSON: options.json) { message in
      var table = TextTable(["contribution", "feature", "value"])
      for part in elements(message.contributions, message.n_contributions) {
        let amount = Double(part.contribution)
        table.add([(amount >= 0 ? "+" : "") + Format.decimal(amount), text(part.feature), text(part.value)])
      }
      return table.rendered()
        + "\n= \(Format.decimal(Double(message.logit))), which makes a score of \(Format.decimal(Double(message.score)))\n"
        + options.footer(message.model, message.degraded)
    }
  }
}
