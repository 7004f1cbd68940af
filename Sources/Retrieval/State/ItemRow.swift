// What else is known of an item, beside its place in the scan: read by few requests, one item at a time.

/// Counts of an item: what exploration draws from, among others.
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
