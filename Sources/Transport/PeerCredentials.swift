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
    // A user is in at most 65,536 groups; 64 are enough for nearly all and stay on the stack.
    var groups = [UInt32](unsafeUninitializedCapacity: 64) { buffer, count in
      count = max(0, Int(cowbird_peer_groups(descriptor, buffer.baseAddress, 64)))
    }
    if groups.count > 64 { groups.removeLast(groups.count - 64) }
    self.init(uid: uid, gid: gid, pid: pid, groups: groups)
  }

  package var description: String { "uid \(uid), gid \(gid), pid \(pid)" }
}
