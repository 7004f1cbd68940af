// How sparse features are made, compiled: for each scope, steps in the configuration's order. A step makes the features
// of one template from registers, or copies those of a run of templates that the event or the request tells outright.
//
//   sparse:   user   item   site   user x genre   item x site
//   scope       user ├── run 0 (user)
//            context ├── run 1 (site)
//               item └── run 2 (item) ─ template (user x genre) ─ run 3 (item x site)

internal import Configuration
internal import Primitives

/// Where what is known outright stands: ids first, then the only or first category of each context attribute.
/// 0: none.
enum KnownPlace {
  static let user = 0
  static let item = 1
  static let type = 2
  static let origin = 3
  static let attributes = 4
}

/// A template of sparse features whose keys follow from ids and context alone.
struct OutrightTemplate {
  var seed: UInt64
  /// Where its first source stands.
  var first: Int32
  var slot: UInt16
  /// Sources after the first, and where they stand.
  var others: UInt8
  var rest: InlineArray<3, Int32>
  /// An example has one feature of it, of value 1; else the key is only a likely one.
  var isExact: Bool

  /// Nil: it depends on the time, on attributes of entities, or on what was learned.
  /// - Parameter isAlone: it is not multiplied by a number.
  init?(_ template: TemplatePlan, _ sources: [Source], _ context: [AttributePlan], isAlone: Bool) {
    var places: [Int32] = []
    isExact = isAlone
    for source in sources {
      switch source {
      case .user: places.append(Int32(KnownPlace.user))
      case .item: places.append(Int32(KnownPlace.item))
      case .type: places.append(Int32(KnownPlace.type))
      case .origin: places.append(Int32(KnownPlace.origin))
      case .contextAttribute(let index):
        places.append(Int32(KnownPlace.attributes + index))
        if context[index].type != .category { isExact = false }
      default: return nil
      }
    }
    (slot, seed) = (template.slot, template.seed)
    (first, others) = (places[0], UInt8(places.count - 1))
    rest = InlineArray { $0 + 1 < places.count ? places[$0 + 1] : 0 }
  }

  /// Where all of its sources stand.
  var sources: [Int32] { [first] + (0..<Int(others)).map { rest[$0] } }
}

/// Outright templates that follow each other: all exact, or one that is not.
struct OutrightRun {
  var first: Int
  var end: Int
}

/// One step: a run of outright templates, or, where that is below 0, one template of registers.
struct EmissionStep {
  var run: Int
  var template: Int = 0
}

/// By scope.
struct EmissionPlan {
  private(set) var steps: [[EmissionStep]] = []
  private(set) var runs: [Range<Int>] = []
  private(set) var outright: [OutrightTemplate] = []
  private(set) var outrightRuns: [OutrightRun] = []
  private(set) var templates: [TemplatePlan] = []

  init(_ scopes: [[(template: TemplatePlan, outright: OutrightTemplate?)]]) {
    for scope in scopes {
      var steps: [EmissionStep] = []
      let firstRun = outrightRuns.count
      for (template, outright) in scope {
        if let outright {
          // A run goes on where the step before is one.
          if outright.isExact, let last = steps.last, last.run >= 0 {
            outrightRuns[last.run].end += 1
          } else {
            if outright.isExact { steps.append(EmissionStep(run: outrightRuns.count)) }
            outrightRuns.append(OutrightRun(first: self.outright.count, end: self.outright.count + 1))
          }
          self.outright.append(outright)
          if outright.isExact { continue }
        }
        steps.append(EmissionStep(run: -1, template: templates.count))
        templates.append(template)
      }
      self.steps.append(steps)
      runs.append(firstRun..<outrightRuns.count)
    }
  }
}
