// What an event says by itself, before any state is looked at: hashes of its ids, its context, and the keys of those
// sparse features that depend on nothing else. The learner reads some events ahead of the one that it learns, so
// that the rows which these keys lead to have arrived when they are needed.

internal import Configuration
internal import Primitives
package import Wire

package final class EventInputs {
  /// What is asked for each event. Behind a pointer, because a class's own variables are checked for exclusive
  /// access each time.
  struct Fields {
    /// Place of its type; -1: the configuration does not name it, or it is no interaction.
    var type = -1
    /// Hashes of the ids, and of the source's name; 0: none.
    var userKey: UInt64 = 0
    var itemKey: UInt64 = 0
    var originKey: UInt64 = 0
    var keyCount = 0
  }

  let plan: FeaturePlan
  let context: ContextBuffer
  let fields: UnsafeMutablePointer<Fields>
  /// The likely keys of sparse features, in the order in which an example has them, and their templates.
  package let keys: UnsafeMutablePointer<UInt64>
  package let slots: UnsafeMutablePointer<UInt16>

  package init(_ plan: FeaturePlan) {
    self.plan = plan
    context = ContextBuffer(plan.context, plan.categories)
    fields = .allocate(capacity: 1)
    fields.initialize(to: Fields())
    keys = .allocate(capacity: plan.outright.count + 1)
    slots = .allocate(capacity: plan.outright.count + 1)
  }

  deinit {
    fields.deallocate()
    keys.deallocate()
    slots.deallocate()
  }

  package var keyCount: Int { fields.pointee.keyCount }

  // hot: once per event.
  package func read(_ event: EventView) {
    context.reset()
    var read = Fields()
    if case .interaction = event.kind { read.type = plan.typeIndex(hash: StableHash.of(event.type.bytes)) }
    if read.type >= 0 {
      if event.attributes.count > 0 { context.add(event.attributes) }
      read.userKey = plan.userKey(event.user)
      read.itemKey = plan.itemKey(event.item)
      if !event.source.isEmpty { read.originKey = StableHash.of(event.source.bytes) }
    }
    fields.pointee = read
  }

  /// Works out `keys`. Only hints: an id that was forgotten once has other keys by now.
  package func guessKeys() {
    var count = 0
    let type = fields.pointee.type
    for index in 0..<(type < 0 ? 0 : plan.outright.count) {
      let template = plan.outright[index]
      var key = template.seed
      var isWhole = true
      for place in 0..<template.count {
        let hash = self.hash(template.sources[place], type)
        if hash == 0 { isWhole = false }
        key = StableHash.combine(key, hash)
      }
      guard isWhole else { continue }
      keys[count] = key
      slots[count] = template.slot
      count += 1
    }
    fields.pointee.keyCount = count
  }

  /// The only or first category of a source; 0: none.
  @inline(__always)
  private func hash(_ source: Int32, _ type: Int) -> UInt64 {
    switch source {
    case OutrightTemplate.user: return fields.pointee.userKey
    case OutrightTemplate.item: return fields.pointee.itemKey
    case OutrightTemplate.type: return plan.types[type].nameHash
    case OutrightTemplate.origin: return fields.pointee.originKey
    default:
      let place = Int(source)
      return context.view.count[place] > 0 ? context.view.hashes[Int(context.view.start[place])] : 0
    }
  }
}

/// A template of sparse features whose keys follow from the event alone.
struct OutrightTemplate {
  static let user: Int32 = -1
  static let item: Int32 = -2
  static let type: Int32 = -3
  static let origin: Int32 = -4

  var slot: UInt16
  var seed: UInt64
  /// One of the above, or the place of a categorical context attribute.
  var sources: InlineArray<4, Int32>
  var count: Int

  /// Nil: it depends on the time, on attributes of entities, or on what was learned.
  init?(_ template: TemplatePlan, _ sources: [Source]) {
    var places: [Int32] = []
    for source in sources {
      switch source {
      case .user: places.append(Self.user)
      case .item: places.append(Self.item)
      case .type: places.append(Self.type)
      case .origin: places.append(Self.origin)
      case .contextAttribute(let index): places.append(Int32(index))
      default: return nil
      }
    }
    (slot, seed, count) = (template.slot, template.seed, places.count)
    self.sources = InlineArray { $0 < places.count ? places[$0] : 0 }
  }
}

/// Users and items of coming events: of the one after the next, whose index lines were asked for, and of the one
/// after that. 0: none.
struct ComingKeys: BitwiseCopyable {
  var near: (user: UInt64, item: UInt64) = (0, 0)
  var far: (user: UInt64, item: UInt64) = (0, 0)
}

extension Example {
  /// While the event of this example changes the rows of its user and item, those of a coming event are asked for.
  package func expect(_ inputs: EventInputs, isNear: Bool) {
    let keys = (inputs.fields.pointee.userKey, inputs.fields.pointee.itemKey)
    if isNear { fields.pointee.coming.near = keys } else { fields.pointee.coming.far = keys }
  }
}
