// What an event says by itself, before any state is looked at: hashes of its ids, its context, and the keys of those
// sparse features that depend on nothing else. The learner reads some events ahead of the one that it learns, so
// that the rows which these keys lead to have arrived when they are needed.

internal import Configuration
internal import Primitives
internal import Tables
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
    /// Where the rows of its user and its item probably are.
    var userHint = RowHint.none
    var itemHint = RowHint.none
  }

  let plan: FeaturePlan
  let context: ContextBuffer
  let fields: UnsafeMutablePointer<Fields>
  let outright: OutrightKeys

  package init(_ plan: FeaturePlan) {
    self.plan = plan
    context = ContextBuffer(plan.context, plan.categories)
    fields = .allocate(capacity: 1)
    fields.initialize(to: Fields())
    outright = OutrightKeys(plan)
  }

  deinit {
    fields.deallocate()
    outright.deallocate()
  }

  /// The likely keys of sparse features, in the order in which an example has them, and their templates. Only hints:
  /// an id that was forgotten once has other keys by now.
  package var keys: UnsafePointer<UInt64> { UnsafePointer(outright.keys) }
  package var slots: UnsafePointer<UInt16> { UnsafePointer(outright.slots) }
  package var keyCount: Int { fields.pointee.type < 0 ? 0 : outright.runStart[plan.outrightRuns.count] }

  /// Hashes of its user's id and of its item's; 0: none.
  package var userKey: UInt64 { fields.pointee.userKey }
  package var itemKey: UInt64 { fields.pointee.itemKey }

  // hot: once per event.
  package func read(_ event: EventView) {
    context.reset()
    fields.pointee = Fields()
    guard case .interaction = event.kind else { return }
    let type = plan.typeIndex(hash: StableHash.of(event.type.bytes))
    guard type >= 0 else { return }
    if event.attributes.count > 0 { context.add(event.attributes) }
    let user = plan.userKey(event.user)
    let item = plan.itemKey(event.item)
    let origin = event.source.isEmpty ? 0 : StableHash.of(event.source.bytes)
    fields.pointee = Fields(type: type, userKey: user, itemKey: item, originKey: origin)
    outright.known[KnownPlace.user] = user
    outright.known[KnownPlace.item] = item
    outright.known[KnownPlace.type] = plan.types[type].nameHash
    outright.known[KnownPlace.origin] = origin
    outright.setContext(context.view, count: plan.context.count)
    outright.make(0..<plan.outrightRuns.count, plan)
  }
}
