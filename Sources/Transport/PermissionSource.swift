// The permission table in force: read at each accept, replaced when the configuration is loaded again.

internal import Primitives

package final class PermissionSource: @unchecked Sendable {
  private let lock = Lock()
  private var table: PermissionTable

  package init(_ table: PermissionTable) { self.table = table }

  /// The table for connections from now on. Those that are open keep what they were given.
  package var current: PermissionTable {
    get { lock.withLock { table } }
    set { lock.withLock { table = newValue } }
  }
}
