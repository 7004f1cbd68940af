// Who is at the other end of a connection, as the kernel noted it when the peer connected.

internal import CSystem

/// The user, groups and process of a peer (SO_PEERCRED, SO_PEERGROUPS).
package struct PeerCredentials: Hashable, Sendable, CustomStringConvertible {
  package var uid: UInt32
  package var gid: UInt32
  package var pid: Int32
  /// Supplementary groups.
  package var groups: [UInt32]

  package init(uid: UInt32, gid: UInt32, pid: Int32, groups: [UInt32] = []) {
    self.uid = uid
    self.gid = gid
    self.pid = pid
    self.groups = groups
  }

  /// Asks the kernel; nil when `descriptor` is not a connected Unix socket.
  package init?(of descriptor: Int32) {
    var (uid, gid, pid): (UInt32, UInt32, Int32) = (0, 0, 0)
    guard cowbird_peer_credentials(descriptor, &uid, &gid, &pid) == 0 else { return nil }
    // The kernel fills all groups or none, and says how many there are.
    var groups = [UInt32](repeating: 0, count: 32)
    var count = Int(cowbird_peer_groups(descriptor, &groups, Int32(groups.count)))
    if count > groups.count {
      groups = [UInt32](repeating: 0, count: count)
      count = Int(cowbird_peer_groups(descriptor, &groups, Int32(count)))
    }
    guard (0...groups.count).contains(count) else { return nil }
    self.init(uid: uid, gid: gid, pid: pid, groups: Array(groups[..<count]))
  }

  package var description: String { "uid \(uid), gid \(gid), pid \(pid)" }
}
