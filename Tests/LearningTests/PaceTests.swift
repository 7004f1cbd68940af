import Testing

@testable import Learning

@Suite struct PaceTests {
  @Test(
    "the learner sleeps so long after its work that the work is the budget's share of the time",
    arguments: [(0.5, 10_000_000, 10_000_000), (0.25, 10_000_000, 30_000_000), (0.8, 4_000, 1_000)])
  func share(budget: Double, busy: UInt64, pause: UInt64) {
    let found = Pace.pauseNanos(after: busy, budget: budget)
    #expect(found.distance(to: pause).magnitude <= 1)
  }

  @Test("a whole core is no reason to sleep, and no pause keeps a stop waiting")
  func bounds() {
    #expect(Pace.pauseNanos(after: 1 << 40, budget: 1) == 0)
    #expect(Pace.pauseNanos(after: 1 << 40, budget: 0.01) == 1_000_000_000)
  }
}
