// What systemd and its kin agree on with a service: sockets handed down (LISTEN_FDS) and notes handed up
// (NOTIFY_SOCKET). Sources: sd_listen_fds(3), sd_notify(3).

internal import CSystem
internal import Glibc
package import Wire

package enum Systemd {
  private static let firstDescriptor: Int32 = 3

  /// The listening sockets that this process was started with; none without LISTEN_FDS, or when they were
  /// meant for another process. The variables are removed, so that children do not take them for theirs.
  package static func listeners() throws(Status) -> [Listener] {
    defer {
      unsetenv("LISTEN_PID")
      unsetenv("LISTEN_FDS")
      unsetenv("LISTEN_FDNAMES")
    }
    guard let process = variable("LISTEN_PID").flatMap(Int32.init), process == getpid() else { return [] }
    guard let count = variable("LISTEN_FDS").flatMap(Int32.init), (1...64).contains(count) else { return [] }
    var listeners: [Listener] = []
    for descriptor in firstDescriptor..<firstDescriptor + count {
      listeners.append(try Listener(inherited: descriptor))
    }
    return listeners
  }

  /// Tells the supervisor, such as "READY=1" or "STOPPING=1". Returns false when there is none to tell.
  @discardableResult
  package static func notify(_ state: String) -> Bool {
    guard let path = variable("NOTIFY_SOCKET"), path.hasPrefix("/") || path.hasPrefix("@") else {
      return false
    }
    return cowbird_notify(path, state, state.utf8.count) == 0
  }

  private static func variable(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    return String(cString: value)
  }
}
