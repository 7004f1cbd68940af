// A server with Health and Echo on a socket of its own, for one test.

import Glibc
import Wire

@testable import Transport

/// A directory that is removed at the end.
final class TemporaryDirectory {
  let path: String

  init() {
    var template = Array("/tmp/cowbird-test-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
  }

  deinit {
    if let directory = opendir(path) {
      while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != "." && name != ".." { unlink("\(path)/\(name)") }
      }
      closedir(directory)
    }
    rmdir(path)
  }
}

final class TestServer {
  private let directory = TemporaryDirectory()
  let path: String
  let server: Server
  let health = HealthState(["": .serving, "cowbird.v1.Echo": .serving])

  init(
    options: ServerOptions = ServerOptions(), permissions: PermissionTable = PermissionTable(owner: getuid()),
    _ register: (inout ServiceRegistry) -> Void = { _ in }
  ) throws {
    path = directory.path + "/echo.sock"
    var registry = ServiceRegistry()
    registry.addHealth(health)
    registry.addEcho(permission: .predict)
    register(&registry)
    server = try Server(
      registry, listeners: [try Listener(path: path)], permissions: permissions, options: options)
  }

  deinit { server.stop(within: 0) }

  func peer() throws -> Peer { try Peer(path) }
  func client() throws -> Client { try Client(path: path) }

  /// Proves that others are served: a fresh connection, one call.
  func serves() throws -> Bool {
    let answer = try client().call(
      "cowbird.v1.Echo", "Unary", Echo.request("still here"), timeoutNanos: 300_000_000_000)
    return Echo.payload(answer) == Array("still here".utf8)
  }
}

/// Waits for a condition, at most ten seconds.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
  for _ in 0..<60_000 {
    if try condition() { return true }
    usleep(1000)
  }
  return false
}
