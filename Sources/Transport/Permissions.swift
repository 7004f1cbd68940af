// Who may do what: the kernel says who a peer is, the configuration says what that one may do.

/// What a caller may be allowed to do.
package struct Permissions: OptionSet, Hashable, Sendable, CustomStringConvertible {
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let predict = Permissions(rawValue: 1)
  package static let ingest = Permissions(rawValue: 2)
  package static let update = Permissions(rawValue: 4)
  package static let versionRead = Permissions(rawValue: 8)
  package static let versionWrite = Permissions(rawValue: 16)

  package static let all: Permissions = [.predict, .ingest, .update, .versionRead, .versionWrite]
  /// Of whoever the socket's mode lets connect, where the configuration maps nobody.
  package static let common: Permissions = [.predict, .ingest, .versionRead]

  /// The names in the configuration, in a fixed order.
  package static let names: [(name: String, permission: Permissions)] = [
    ("predict", .predict), ("ingest", .ingest), ("update", .update),
    ("version.read", .versionRead), ("version.write", .versionWrite),
  ]

  /// The permission that the configuration calls `name`; nil for a name that is not known.
  package init?(name: String) {
    guard let known = Self.names.first(where: { $0.name == name }) else { return nil }
    self = known.permission
  }

  package var description: String {
    Self.names.filter { contains($0.permission) }.map(\.name).joined(separator: ", ")
  }
}

/// From users and groups to permissions. A value: replaced whole when the configuration changes.
package struct PermissionTable: Hashable, Sendable {
  private var users: [UInt32: Permissions] = [:]
  private var groups: [UInt32: Permissions] = [:]
  /// Of those whom no entry names.
  private var others: Permissions = .common
  /// The daemon's own user, who like root may do everything unless named.
  private let owner: UInt32

  /// Nobody is mapped: root and `owner` may do everything, others what is common.
  package init(owner: UInt32) { self.owner = owner }

  /// Users and groups are mapped: others may do `others` and nothing more.
  package init(
    owner: UInt32, users: [UInt32: Permissions], groups: [UInt32: Permissions], others: Permissions = []
  ) {
    self.owner = owner
    self.users = users
    self.groups = groups
    self.others = others
  }

  /// The union of what the peer's user and each of its groups were given.
  package func permissions(of peer: PeerCredentials) -> Permissions {
    var granted: Permissions = []
    var isNamed = false
    if let given = users[peer.uid] {
      granted.formUnion(given)
      isNamed = true
    } else if peer.uid == owner || peer.uid == 0 {
      return .all
    }
    for group in [peer.gid] + peer.groups {
      if let given = groups[group] {
        granted.formUnion(given)
        isNamed = true
      }
    }
    return isNamed ? granted : others
  }
}
