// From the configuration to what the log, the socket and the server are told.

package import Configuration
internal import EventLog
internal import Glibc
package import Transport
package import Wire

extension LogOptions {
  init(_ configuration: Configuration) {
    self.init()
    segmentBytes = Int(configuration.log.segment)
    eventIDWindow = min(configuration.limits.eventIDWindow, 1 << 28)
    retention = LogRetention(configuration.log)
  }
}

extension LogRetention {
  init(_ section: LogSection) {
    self.init(
      bytes: section.retainSize == 0 ? nil : Int(section.retainSize),
      nanos: section.retainFor == 0 ? nil : section.retainFor)
  }
}

extension Daemon {
  static func options(_ configuration: Configuration) -> ServerOptions {
    let section = configuration.server
    let cores = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    var options = ServerOptions(reactors: section.reactors == 0 ? min(cores, 4) : min(section.reactors, 64))
    options.maximumConnections = configuration.limits.connections
    options.maximumUnsentBytes = Int(min(section.outputBound, 1 << 30))
    options.busyPollNanos = UInt64(min(section.busyPoll, 1_000_000_000))
    options.drainTimeoutNanos = UInt64(section.drainTimeout)
    options.writeTimeoutNanos = UInt64(max(section.drainTimeout, 1_000_000))
    return options
  }

  static func listener(_ section: ServerSection) throws(Status) -> Listener {
    let slash = section.socket.lastIndex(of: "/")
    // The socket's own mode says who may connect; the way to it is open.
    if let slash, slash != section.socket.startIndex {
      try makeDirectory(String(section.socket[..<slash]), mode: 0o755)
    }
    return try Listener(
      path: section.socket, mode: UInt32(section.mode),
      group: section.group.isEmpty ? nil : try Accounts.group(section.group, "server.group"))
  }

  /// Makes a directory, and those above it, where they are missing.
  static func makeDirectory(_ path: String, mode: UInt32 = 0o750) throws(Status) {
    var made = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      made += "/" + part
      guard mkdir(made, mode) != 0, errno != EEXIST else { continue }
      let number = errno
      var status = stat()
      if stat(made, &status) == 0 { continue }
      let code: Status.Code = number == EACCES || number == EPERM ? .permissionDenied : .failedPrecondition
      throw Status(code, "cannot make the directory \(made): \(String(cString: strerror(number)))")
    }
  }
}

extension Transport.Permissions {
  /// Who may do what, by the configuration.
  /// - Throws: INVALID_ARGUMENT for a user or a group that the system does not know.
  package static func table(_ section: ServerSection) throws(Status) -> PermissionTable {
    guard !section.permissions.isEmpty else { return PermissionTable(owner: getuid()) }
    var users: [UInt32: Permissions] = [:]
    var groups: [UInt32: Permissions] = [:]
    for grant in section.permissions {
      var may: Permissions = []
      for permission in grant.may { may.formUnion(Permissions(name: permission.rawValue) ?? []) }
      let path = "server.permissions.\(grant.name)"
      if grant.user.isEmpty {
        groups[try Accounts.group(grant.group, path + ".group"), default: []].formUnion(may)
      } else {
        users[try Accounts.user(grant.user, path + ".user"), default: []].formUnion(may)
      }
    }
    return PermissionTable(owner: getuid(), users: users, groups: groups)
  }
}

extension Daemon {
  /// What a daemon on this machine would stumble over at its start: users and groups that the system does not know,
  /// addresses that cannot be listened at.
  package static func problems(of section: ServerSection) -> [ConfigurationProblem] {
    var problems: [ConfigurationProblem] = []
    func check(_ body: () throws(Status) -> Void) {
      do throws(Status) {
        try body()
      } catch {
        // The message begins with the path.
        let parts = error.message.split(separator: ": ", maxSplits: 1)
        let isPath = parts.count == 2 && parts[0].hasPrefix("server.")
        problems.append(
          ConfigurationProblem(
            path: isPath ? String(parts[0]) : "server", message: isPath ? String(parts[1]) : error.message))
      }
    }
    for grant in section.permissions {
      var alone = section
      alone.permissions = [grant]
      check { () throws(Status) in _ = try Permissions.table(alone) }
    }
    check { () throws(Status) in
      if !section.group.isEmpty { _ = try Accounts.group(section.group, "server.group") }
    }
    check { () throws(Status) in try MetricsEndpoint.check(section.metricsAddress) }
    check { () throws(Status) in
      do throws(Status) {
        try Listener.check(path: section.socket)
      } catch {
        throw Status(error.code, "server.socket: \(error.message)")
      }
    }
    return problems
  }
}

/// Users and groups by name or number.
enum Accounts {
  static func user(_ name: String, _ path: String) throws(Status) -> UInt32 {
    if let number = UInt32(name) { return number }
    guard let entry = getpwnam(name) else {
      throw Status(.invalidArgument, "\(path): the system knows no user \"\(name)\"")
    }
    return entry.pointee.pw_uid
  }

  static func group(_ name: String, _ path: String) throws(Status) -> UInt32 {
    if let number = UInt32(name) { return number }
    guard let entry = getgrnam(name) else {
      throw Status(.invalidArgument, "\(path): the system knows no group \"\(name)\"")
    }
    return entry.pointee.gr_gid
  }
}
