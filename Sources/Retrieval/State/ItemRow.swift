// What else is known of an item, beside its place in the scan: read by few requests, one item at a time.

/// Head of a neighbour list; the same for items and for segments.
struct ListHead {
  /// Number of the event to which the weights' scale is fixed.
  var reference: UInt32
  var count: UInt32
  /// Where the next eviction looks.
  var hand: UInt32
  var capacity: UInt32
  var slab: UInt32
  /// All weight that was ever added, on each side, in the list's scale.
  var total0: Float
  var total1: Float
  var padding: UInt32
}

/// Counts of an item: what exploration draws from.
struct ItemCounts {
  var interactions: UInt32
  var impressions: UInt32
}

/// One user: the vector's floats precede it.
struct UserTail {
  /// AdaGrad's sum of the user's own vector.
  var vectorSum: Float
  /// Events ever; the ring holds the newest of them.
  var count: UInt32
  var ring: UInt32
  var capacity: UInt32
  /// Items that have left the ring: their slab, its capacity, how many, and where the next goes once it is full.
  var older: UInt32
  var olderCapacity: UInt32
  var olderCount: UInt32
  var olderHand: UInt32
}
