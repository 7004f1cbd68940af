import Configuration
import Glibc
import Learning
import Primitives
import Service
import Testing
import Transport
import Versions
import Wire

@Suite(.serialized)
struct ConfiguredSettingsTests {
  private static func setting(_ value: Int) -> [Setting] { [Setting(path: "a", value: "\(value)")] }

  @Test("whichever of commands and rollbacks is told of first, the settings are those that the log says")
  func anyOrder() {
    typealias Told = (inout ConfiguredSettings) -> Void
    let later: [ConfiguredSettings.Change] = [(30, Self.setting(30)), (50, Self.setting(50))]
    // A change at 10, a rollback at 20 to before it, a change at 30, a rollback at 40 to behind it, a change at 50.
    // What a rollback sees of the log behind it depends on when it looks.
    for seen in 0...2 {
      let told: [Told] = [
        { $0.note(Self.setting(10), at: 10) },
        { $0.restore(head: Self.setting(1), from: 21, changes: Array(later.prefix(seen))) },
        { $0.note(Self.setting(30), at: 30) },
        {
          $0.restore(
            head: Self.setting(1) + Self.setting(30), from: 41, changes: Array(later[1...].prefix(seen)))
        },
        { $0.note(Self.setting(50), at: 50) },
      ]
      for order in permutations(Array(told.indices)) {
        var settings = ConfiguredSettings(head: Self.setting(1), from: 5, changes: [])
        for place in order { told[place](&settings) }
        #expect(settings.all == Self.setting(1) + Self.setting(30) + Self.setting(50), "\(order), \(seen)")
      }
    }
  }

  private func permutations(_ elements: [Int]) -> [[Int]] {
    guard !elements.isEmpty else { return [[]] }
    return elements.flatMap { first in
      permutations(elements.filter { $0 != first }).map { [first] + $0 }
    }
  }

  @Test("a change of settings that a rollback overtakes is made all the same, and keeps the head of then")
  func overtaken() throws {
    let files = FaultyFiles()
    let daemon = try TestDaemon(files: files) { $0.versions.atStop = false }
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<20))
    let base = try client.create()
    try client.append(Shop.ratings(20..<40))
    // The first file that is made is that of the version before the change.
    files.arm(
      .init(call: 1, number: EIO, operation: "create") { [path = daemon.configuration.server.socket] in
        try Client(path: path).rollback(to: .id(base.id))
      })
    try client.configure([("learning.rate", "0.5")])
    files.arm(nil)
    let kept = daemon.context.control.registry.entries.first { $0.reason == "before a change of settings" }
    #expect(kept?.record.digest.description == base.digest)
    #expect(daemon.context.configuration.learning.rate == 0.5)
  }

  @Test("when a rollback is over the settings of the version are in force, and none that was told of late")
  func rollback() throws {
    let daemon = try TestDaemon { $0.versions.atStop = false }
    let client = try daemon.client()
    try client.append(Shop.ratings(0..<20))
    let base = try client.create()
    let changed = try client.configure([("learning.rate", "0.5")])
    #expect(daemon.context.configuration.learning.rate == 0.5)
    try client.rollback(to: .id(base.id))
    let context = daemon.context
    #expect(context.configuration.learning.rate == 1)
    // The worker that carried the command out comes to it only now.
    context.putConfiguredInForce([Setting(path: "learning.rate", value: "0.5")], at: changed)
    #expect(context.configuration.learning.rate == 1)
    #expect(!context.configuredPaths.contains("learning.rate"))
    // One of behind the rollback, told of before a rollback that is told of late.
    let last = try client.configure([("learning.rate", "0.25")])
    context.restoreSettings(of: [], from: changed + 1)
    context.putConfiguredInForce([Setting(path: "learning.rate", value: "0.25")], at: last)
    #expect(context.configuration.learning.rate == 0.25)
    try daemon.restart()
    #expect(daemon.context.configuration.learning.rate == 0.25)
  }
}
