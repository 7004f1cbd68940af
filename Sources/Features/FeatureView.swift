// An example as members see it: pointers to its features, a few words, no copy.

/// Does not own what it points to.
package struct FeatureView {
  package var keys: UnsafePointer<UInt64>
  package var values: UnsafePointer<Float>
  /// Place of each feature's template.
  package var slots: UnsafePointer<UInt16>
  package var count: Int
  /// The first ones, which do not depend on the candidate.
  package var sharedCount: Int
  package var dense: UnsafePointer<Float>
  package var denseCount: Int
  /// Keys of user and item; 0: none.
  package var user: UInt64
  package var item: UInt64
  /// Event time in the tables' seconds.
  package var seconds: UInt32
  package var label: Float
  package var weight: Float

  package init(
    keys: UnsafePointer<UInt64>, values: UnsafePointer<Float>, slots: UnsafePointer<UInt16>, count: Int,
    sharedCount: Int, dense: UnsafePointer<Float>, denseCount: Int, user: UInt64 = 0, item: UInt64 = 0,
    seconds: UInt32 = 1, label: Float = 0, weight: Float = 1
  ) {
    self.keys = keys
    self.values = values
    self.slots = slots
    self.count = count
    self.sharedCount = sharedCount
    self.dense = dense
    self.denseCount = denseCount
    self.user = user
    self.item = item
    self.seconds = seconds
    self.label = label
    self.weight = weight
  }
}

extension Example {
  // hot: at once, because each variable of its own would be a call from another module.
  package var view: FeatureView {
    let fields = fields.pointee
    return FeatureView(
      keys: UnsafePointer(keys), values: UnsafePointer(values), slots: UnsafePointer(slots),
      count: fields.count, sharedCount: fields.sharedCount, dense: UnsafePointer(dense),
      denseCount: plan.denseCount, user: fields.userHash, item: fields.itemHash,
      seconds: Numerics.tableSeconds(fields.timeNanos), label: fields.label, weight: fields.weight)
  }

  /// hot: the same where it will be read, at once after: bytes that were just written are slow to copy.
  package func putView(_ view: UnsafeMutablePointer<FeatureView>) {
    let fields = fields
    view.pointee.keys = UnsafePointer(keys)
    view.pointee.values = UnsafePointer(values)
    view.pointee.slots = UnsafePointer(slots)
    view.pointee.count = fields.pointee.count
    view.pointee.sharedCount = fields.pointee.sharedCount
    view.pointee.dense = UnsafePointer(dense)
    view.pointee.denseCount = plan.denseCount
    view.pointee.user = fields.pointee.userHash
    view.pointee.item = fields.pointee.itemHash
    view.pointee.seconds = Numerics.tableSeconds(fields.pointee.timeNanos)
    view.pointee.label = fields.pointee.label
    view.pointee.weight = fields.pointee.weight
  }
}
