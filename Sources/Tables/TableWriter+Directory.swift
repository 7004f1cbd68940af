// The index's directory is as scattered as the keys are, and too large to stay near: its words are asked for as well.

public import CKernels

extension TableWriter {
  /// Stage 0, some while before `prefetchIndex`: asks for the word that says where the key's line of the index is.
  @inlinable @inline(__always)
  public func prefetchDirectory(_ key: UInt64) {
    cowbird_prefetch(index.words + Int(truncatingIfNeeded: IndexView.hash(key) &>> index.shift))
  }
}
