import CSystem
import Glibc
import Testing
import Wire

@testable import Transport

@Suite struct ListenerTests {
  private func mode(_ path: String) -> UInt32? {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & 0o777 : nil
  }

  private func refusal(_ body: () throws(Status) -> Listener) -> Status? {
    do throws(Status) {
      let listener = try body()
      listener.remove()
      listener.close()
      return nil
    } catch {
      return error
    }
  }

  @Test(
    "the socket's file has the mode asked for, whatever the umask",
    arguments: [0o660, 0o600, 0o777, 0o666] as [UInt32])
  func modes(wanted: UInt32) throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/s"
    let listener = try Listener(path: path, mode: wanted, group: getgid())
    #expect(mode(path) == wanted)
    listener.remove()
    listener.close()
    #expect(mode(path) == nil)
  }

  @Test("a live server's socket is never replaced")
  func live() throws {
    let server = try TestServer()
    let status = try #require(refusal { () throws(Status) in try Listener(path: server.path) })
    #expect(status.code == .failedPrecondition)
    #expect(status.message.contains("a live server listens at \(server.path)"))
    #expect(try server.serves())
  }

  @Test("a dead server's socket is replaced")
  func dead() throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/s"
    let first = try Listener(path: path)
    first.close()
    #expect(mode(path) != nil)
    let second = try Listener(path: path)
    let probe = try Peer(path)
    _ = probe
    second.remove()
    second.close()
  }

  @Test("of servers that start at the same time on a dead socket exactly one wins")
  func race() throws {
    for _ in 0..<20 {
      let directory = TemporaryDirectory()
      let path = directory.path + "/s"
      let stale = try Listener(path: path)
      stale.close()
      let wins = Probe()
      let losses = Probe()
      (wins.value, losses.value) = (0, 0)
      let threads = (0..<4).map { _ in
        Background {
          do throws(Status) {
            _ = try Listener(path: path)
            wins.value += 1
          } catch {
            losses.value += 1
          }
        }
      }
      for thread in threads { thread.join() }
      #expect(wins.value == 1)
      #expect(losses.value == 3)
    }
  }

  @Test("what is not a socket is left alone")
  func file() throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/s"
    close(open(path, O_CREAT | O_WRONLY, 0o600))
    let status = refusal { () throws(Status) in try Listener(path: path) }
    #expect(
      status
        == Status(.failedPrecondition, "\(path) exists and is no socket; remove it or choose another path"))
    #expect(mode(path) == 0o600)
  }

  @Test("impossible paths and modes are refused in words")
  func impossible() {
    let long = "/tmp/" + String(repeating: "x", count: 120)
    #expect(refusal { () throws(Status) in try Listener(path: long) }?.code == .invalidArgument)
    #expect(refusal { () throws(Status) in try Listener(path: "/tmp/") }?.code == .invalidArgument)
    #expect(
      refusal { () throws(Status) in try Listener(path: "/tmp/s", mode: 0o1777) }?.code == .invalidArgument)
    #expect(refusal { () throws(Status) in try Listener(path: "/nonexistent/s") }?.code == .notFound)
  }

  @Test("removing a socket leaves another server's in place")
  func foreign() throws {
    let directory = TemporaryDirectory()
    let path = directory.path + "/s"
    let first = try Listener(path: path)
    first.close()
    let second = try Listener(path: path)
    first.remove()
    #expect(mode(path) != nil)
    second.remove()
    second.close()
  }

  @Test("only a listening Unix socket can be inherited")
  func inherited() throws {
    let directory = TemporaryDirectory()
    let listener = try Listener(path: directory.path + "/s")
    _ = try Listener(inherited: listener.descriptor)
    let plain = cowbird_unix_socket(0)
    defer { close(plain) }
    #expect(refusal { () throws(Status) in try Listener(inherited: plain) }?.code == .failedPrecondition)
    listener.remove()
    listener.close()
  }
}
