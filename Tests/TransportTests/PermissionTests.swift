import Glibc
import Synchronization
import Testing
import Wire

@testable import Transport

@Suite struct PermissionTests {
  private let alice = PeerCredentials(uid: 1000, gid: 1000, pid: 1, groups: [27, 100])

  @Test("where nobody is mapped, root and the owner may do everything, and others what is common")
  func defaults() {
    let table = PermissionTable(owner: 500)
    #expect(table.permissions(of: PeerCredentials(uid: 500, gid: 5, pid: 1)) == .all)
    #expect(table.permissions(of: PeerCredentials(uid: 0, gid: 0, pid: 1)) == .all)
    #expect(table.permissions(of: alice) == [.predict, .ingest, .versionRead])
  }

  @Test("a mapped peer has the union of what its user and its groups were given, and nobody else anything")
  func mapped() {
    let table = PermissionTable(owner: 500, users: [1000: .predict], groups: [100: .ingest, 7: .update])
    #expect(table.permissions(of: alice) == [.predict, .ingest])
    #expect(table.permissions(of: PeerCredentials(uid: 2000, gid: 7, pid: 1)) == .update)
    #expect(table.permissions(of: PeerCredentials(uid: 2000, gid: 8, pid: 1)) == [])
    #expect(table.permissions(of: PeerCredentials(uid: 500, gid: 8, pid: 1)) == .all)
    #expect(
      PermissionTable(owner: 500, users: [500: .predict], groups: [:]).permissions(
        of: PeerCredentials(uid: 500, gid: 8, pid: 1)) == .predict)
  }

  @Test("permissions have the names of the configuration")
  func names() {
    #expect(Permissions(name: "version.write") == .versionWrite)
    #expect(Permissions(name: "everything") == nil)
    #expect(Permissions.all.description == "predict, ingest, update, version.read, version.write")
  }

  @Test("the kernel says who a peer is")
  func credentials() throws {
    var pair: [Int32] = [0, 0]
    #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
    defer { for descriptor in pair { close(descriptor) } }
    let peer = try #require(PeerCredentials(of: pair[0]))
    #expect(peer.uid == getuid() && peer.gid == getgid() && peer.pid == getpid())
  }

  @Test("a caller without permission is refused and nothing is done; what needs none still works")
  func denied() throws {
    let calls = Probe()
    calls.value = 0
    let server = try TestServer(
      permissions: PermissionTable(owner: getuid(), users: [getuid(): [.ingest]], groups: [:])
    ) { registry in
      registry.unary("test", "Guarded", permission: .versionWrite) { call in
        calls.value += 1
        call.respond(size: 0) { _ in }
      }
    }
    let peer = try server.peer()
    let answer = try peer.ask(.request(1, "test", "Guarded"))
    #expect(answer.status?.code == .permissionDenied)
    #expect(answer.status?.message.contains("test/Guarded needs the permission version.write") == true)
    #expect(try peer.ask(.request(3, "cowbird.v1.Echo", "Chat", flags: 2)).status?.code == .permissionDenied)
    #expect(calls.value == 0)
    #expect(try peer.ask(.request(5, "cowbird.v1.Health", "Check")).status == nil)
  }

  @Test("a changed table counts for connections from then on")
  func changed() throws {
    let server = try TestServer()
    let before = try server.peer()
    #expect(try before.ask(.request(1)).status == nil)
    server.server.permissions.current = PermissionTable(owner: getuid(), users: [getuid(): []], groups: [:])
    #expect(try server.peer().ask(.request(1)).status?.code == .permissionDenied)
    #expect(try before.ask(.request(3)).status == nil)
  }
}
