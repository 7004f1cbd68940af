// Which versions the present head grew from: what a replay may begin with that is to come to the same head. A version
// that a rollback has dropped is none of them, though it is still listed: it has learned what the head must not have.
//
//   log ─▶ v1 ─▶ v2 ─▶ v3                       v3 is dropped: the head grew from v1, v2 and v4
//                 └── rollback to v2 ─▶ v4 ─▶ head

package import Learning

package struct HeadLineage: Equatable, Sendable {
  /// Those that are listed, furthest along the log first.
  package var versions: [VersionRecord] = []
  /// What it began with; nil: with the log's first record. Otherwise a version that the log does not teach: imported, or
  /// a candidate; the last of `versions`, if it is still listed.
  package var origin: VersionID?
}

extension Registry {
  /// - Parameter find: what is known of a version that is listed no more.
  package func lineage(_ find: (VersionID) throws -> VersionRecord?) rethrows -> HeadLineage {
    var lineage = HeadLineage()
    /// Versions beyond are none of them.
    var end = UInt64.max
    let heads = heads
    for rollback in returns.reversed() where rollback.offset < end {
      lineage.versions += heads.filter { $0.offset > rollback.offset && $0.offset <= end }
      let listed = self[rollback.to]?.record
      guard let target = try listed ?? find(rollback.to), target.isOfHead || target.isWithoutUser else {
        if let listed { lineage.versions.append(listed) }
        lineage.origin = rollback.to
        return lineage
      }
      if let listed, listed.isWithoutUser { lineage.versions.append(listed) }
      end = target.offset
    }
    lineage.versions += heads.filter { $0.offset <= end }
    return lineage
  }
}
