// From the configuration's names to registers, operations and columns. Runs once per configuration.

internal import Configuration
internal import Primitives

struct PlanCompiler {
  let configuration: Configuration
  var slots: [SlotDescription] = []
  var denseNames = ["constant"]
  var types: [EventTypePlan] = []
  var user = EntityPlan(attributes: [], words: 0)
  var item = EntityPlan(attributes: [], words: 0)
  var context: [AttributePlan] = []
  var histories: [HistoryPlan] = []
  var groups: [GroupPlan] = []
  var targets: [TargetPlan] = []
  var statistics: [StatisticRead] = []
  var transforms: [Transform] = []
  var boundaries: [Float] = []
  var operands: [Int32] = []
  var operations: [[Operation]] = [[], [], []]
  var templates: [[(template: TemplatePlan, outright: OutrightTemplate?)]] = [[], [], []]
  var dense: [[DensePlan]] = [[], [], []]
  var categoryRegisters = 0
  var numberRegisters = 0
  var hashCapacity = 0
  var standardisers = 0
  var registers: [Source: Int32] = [:]
  /// Of each retriever that counts by segment, in the configuration's order.
  var segments: [Int32] = []

  var groupPlaces: [[Source]: Int] = [:]
  var fetched: Set<Int> = []
  var columns: [String: Int32] = [:]
  /// Statistics whose `minus` is compiled when all values have registers.
  var open: [(update: (group: Int, place: Int), section: ValueSection)] = []

  init(_ configuration: Configuration) { self.configuration = configuration }

  mutating func compile() {
    types = configuration.events.map { event in
      EventTypePlan(
        nameHash: StableHash.of(event.name), label: event.label, threshold: event.threshold,
        weight: Float(event.weight),
        defaultValue: event.defaultValue ?? (configuration.needsValue(event) ? .nan : 1),
        isInteraction: event.isInteraction)
    }
    user = Self.entity(configuration.entities.user)
    item = Self.entity(configuration.entities.item)
    context = configuration.features.context.map(Self.attribute)
    histories = configuration.features.histories.map {
      HistoryPlan(name: $0.name, types: mask($0.types), length: $0.length)
    }
    groups = [
      GroupPlan(name: "user", sources: [.user], scope: .user, seed: 0, words: user.words),
      GroupPlan(name: "item", sources: [.item], scope: .item, seed: 0, words: item.words),
    ]
    groupPlaces = [[.user]: 0, [.item]: 1]
    for (slot, section) in configuration.features.sparse.enumerated() { compileTemplate(slot, section) }
    for entry in configuration.features.dense { compileDense(entry) }
    segments = configuration.retrieval.segments.map { register(resolve($0.segment)) }
    // Statistics that nothing reads may still be what a `minus` needs; those compile here, in rounds.
    while let (update, section) = open.popLast() { compileTarget(update, section) }
    for index in groups.indices {
      groups[index].updates.sort { ($0.code == .time ? 1 : 0) < ($1.code == .time ? 1 : 0) }
    }
  }

  // MARK: Events, attributes

  func mask(_ names: [String]) -> UInt64 {
    var mask: UInt64 = 0
    for (place, event) in configuration.events.enumerated() {
      if names.isEmpty ? event.isInteraction : names.contains(event.name) { mask |= 1 << UInt64(place) }
    }
    return mask
  }

  static func attribute(_ section: AttributeSection) -> AttributePlan {
    AttributePlan(
      name: section.name, type: section.type, dimension: section.dimension,
      minimumToken: section.minimumToken,
      maximumValues: section.type == .category ? 1 : section.maximumValues,
      missing: section.missing.map { Float($0) } ?? .nan)
  }

  /// Row: ordinal + 1, flags and generation, events, a presence bit for each attribute, then its columns.
  static func entity(_ sections: [AttributeSection]) -> EntityPlan {
    var attributes = sections.map(attribute)
    var words = EntityRow.presence + (attributes.count + 31) / 32
    for index in attributes.indices {
      switch attributes[index].type {
      case .category:
        attributes[index].column = Int32(words)
        words += 2
      case .number:
        attributes[index].column = Int32(words)
        words += 1
      case .categories, .text, .vector: break
      }
    }
    return EntityPlan(attributes: attributes, words: words)
  }

  // MARK: Registers

  mutating func newCategories(_ capacity: Int) -> Int32 {
    categoryRegisters += 1
    hashCapacity += capacity
    return Int32(categoryRegisters - 1)
  }

  mutating func newNumber() -> Int32 {
    numberRegisters += 1
    return Int32(numberRegisters - 1)
  }

  mutating func emit(_ scope: Scope, _ operation: Operation) {
    operations[scope.rawValue].append(operation)
  }

  func resolve(_ name: String) -> Source {
    switch configuration.source(name) {
    case .success(let source): return source
    case .failure(let error): preconditionFailure("an unchecked configuration: \(error.message)")
    }
  }

  func scope(_ source: Source) -> Scope {
    switch source {
    case .user, .userAttribute, .hour, .weekday, .history: .user
    case .type, .origin, .contextAttribute: .context
    case .item, .itemAttribute: .item
    case .value(let index):
      scopeOfValue(configuration.features.values[index])
    }
  }

  func scopeOfValue(_ section: ValueSection) -> Scope {
    let names = section.statistic == nil ? [section.from] : section.of
    return names.map { scope(resolve($0)) }.max() ?? .user
  }

  /// The register that holds the source, compiled when it is first asked for.
  mutating func register(_ source: Source) -> Int32 {
    if let register = registers[source] { return register }
    let register = compile(source)
    registers[source] = register
    return register
  }

  mutating func compile(_ source: Source) -> Int32 {
    func simple(_ code: Operation.Code) -> Int32 {
      let out = newCategories(1)
      emit(scope(source), Operation(code: code, out: out))
      return out
    }
    switch source {
    case .user: return simple(.userID)
    case .item: return simple(.itemID)
    case .type: return simple(.type)
    case .origin: return simple(.origin)
    case .hour: return simple(.hour)
    case .weekday: return simple(.weekday)
    case .userAttribute(let index): return entityAttribute(user.attributes[index], index, side: 0)
    case .itemAttribute(let index): return entityAttribute(item.attributes[index], index, side: 1)
    case .contextAttribute(let index):
      if context[index].type == .number {
        let out = newNumber()
        emit(.context, Operation(code: .contextNumber, out: out, a: Int32(index)))
        return out
      }
      let out = newCategories(context[index].maximumValues)
      emit(.context, Operation(code: .contextCategories, out: out, a: Int32(index)))
      return out
    case .history(let index):
      let out = newCategories(histories[index].length)
      emit(.user, Operation(code: .history, out: out, a: Int32(index)))
      return out
    case .value(let index): return value(configuration.features.values[index])
    }
  }

  mutating func entityAttribute(_ attribute: AttributePlan, _ index: Int, side: Int32) -> Int32 {
    let scope: Scope = side == 0 ? .user : .item
    switch attribute.type {
    case .number:
      let out = newNumber()
      emit(scope, Operation(code: .entityNumber, out: out, a: Int32(index), b: side, c: attribute.column))
      return out
    case .category:
      let out = newCategories(1)
      emit(scope, Operation(code: .entityCategory, out: out, a: Int32(index), b: side, c: attribute.column))
      return out
    case .categories, .text, .vector:
      if side == 0 { user.hasRecordFeatures = true } else { item.hasRecordFeatures = true }
      let out = newCategories(attribute.maximumValues)
      emit(scope, Operation(code: .entityCategories, out: out, a: Int32(index), b: side))
      return out
    }
  }

  // MARK: Values

  mutating func value(_ section: ValueSection) -> Int32 {
    let scope = scopeOfValue(section)
    if section.statistic == .session {
      let read = statistic(section)
      let out = newCategories(1)
      emit(scope, Operation(code: .session, out: out, a: read))
      return out
    }
    let number: Int32
    if section.statistic != nil {
      let read = statistic(section)
      number = newNumber()
      emit(scope, Operation(code: .statistic, out: number, a: read))
    } else {
      let source = resolve(section.from)
      let inner = register(source)
      if configuration.nature(source).isCategorical {
        guard section.isSet else { return inner }
        let out = newCategories(1)
        emit(scope, Operation(code: .set, out: out, b: inner))
        return out
      }
      number = inner
    }
    return finish(section, transformed(section, number, scope), scope)
  }

  mutating func transformed(_ section: ValueSection, _ number: Int32, _ scope: Scope) -> Int32 {
    var transform = Transform()
    if let missing = section.missing { transform.missing = Float(missing) }
    if section.clip.count == 2 {
      (transform.lowest, transform.highest) = (Float(section.clip[0]), Float(section.clip[1]))
    }
    (transform.log1p, transform.sqrt) = (section.log1p, section.sqrt)
    (transform.offset, transform.scale) = (Float(section.offset), Float(section.scale))
    if section.standardise {
      transform.standardiser = Int32(standardisers)
      standardisers += 1
    }
    if transform.isIdentity, section.missing == nil { return number }
    transforms.append(transform)
    let out = newNumber()
    emit(scope, Operation(code: .transform, out: out, a: Int32(transforms.count - 1), b: number))
    return out
  }

  mutating func finish(_ section: ValueSection, _ number: Int32, _ scope: Scope) -> Int32 {
    let first = Int32(boundaries.count)
    func operation(_ code: Operation.Code, _ out: Int32, _ numbers: [Double]) -> Operation {
      Operation(code: code, out: out, a: first, b: number, c: Int32(numbers.count))
    }
    if !section.bucketise.isEmpty {
      boundaries += section.bucketise.map { Float($0) }
      let out = newCategories(1)
      emit(scope, operation(.bucketise, out, section.bucketise))
      return out
    }
    if section.step > 0 {
      boundaries.append(Float(section.step))
      let out = newCategories(1)
      emit(scope, operation(.step, out, [section.step]))
      return out
    }
    if section.within.count == 2 {
      boundaries += section.within.map { Float($0) }
      let out = newNumber()
      emit(scope, operation(.within, out, section.within))
      return out
    }
    return number
  }

  // MARK: Templates

  mutating func compileTemplate(_ slot: Int, _ section: SparseSection) {
    let sources = section.of.map(resolve)
    var scope = sources.map { self.scope($0) }.max() ?? .user
    var template = TemplatePlan(
      slot: UInt16(slot), seed: StableHash.of("sparse:" + section.name), registers: InlineArray(repeating: 0),
      registerCount: sources.count, times: -1, normalisation: section.normalise)
    let isAlone = section.times.isEmpty
    let outright = OutrightTemplate(template, sources, context, isAlone: isAlone)
    if outright?.isExact != true {
      for (place, source) in sources.enumerated() { template.registers[place] = register(source) }
    }
    if !isAlone {
      let source = resolve(section.times)
      template.times = register(source)
      scope = max(scope, self.scope(source))
    }
    slots.append(
      SlotDescription(
        name: section.name, isLinear: section.isLinear, variance: Float(section.variance),
        drift: Float(section.drift), factor: section.factor, factorVariance: Float(section.factorVariance),
        factorInit: Float(section.factorInit), scope: scope))
    templates[scope.rawValue].append((template, outright))
  }

  mutating func compileDense(_ entry: String) {
    let sources = Configuration.factors(of: entry).map(resolve)
    let scope = sources.map { self.scope($0) }.max() ?? .user
    let place = Int32(denseNames.count)
    if sources.count == 1, case .vector(let dimension) = configuration.nature(sources[0]) {
      var plan = DensePlan(place: place, dimension: dimension)
      switch sources[0] {
      case .userAttribute(let index):
        user.hasRecordFeatures = true
        (plan.vectorSide, plan.vectorPlace) = (0, index)
      case .itemAttribute(let index):
        item.hasRecordFeatures = true
        (plan.vectorSide, plan.vectorPlace) = (1, index)
      case .contextAttribute(let index): (plan.vectorSide, plan.vectorPlace) = (2, index)
      default: preconditionFailure("no vector: \(entry)")
      }
      dense[scope.rawValue].append(plan)
      for index in 0..<dimension { denseNames.append("\(entry)[\(index)]") }
      return
    }
    let factors = sources.map { register($0) }
    dense[scope.rawValue].append(
      DensePlan(place: place, factorStart: operands.count, factorCount: factors.count))
    operands += factors
    denseNames.append(entry)
  }
}
