import Primitives
import Testing

@testable import Statistics

@Suite struct DetectorTests {
  private func gauss(_ k: Int) -> Double { CounterRandom.gauss(seed: 11, counter: UInt64(k)) }

  @Test("the monitor tells which detectors fired, and ignores losses that are not numbers")
  func monitor() {
    var monitor = DriftMonitor(
      adwin: ADWIN(), pageHinkley: PageHinkley(threshold: 10, mode: .up), ddm: DDM())
    var fired: DriftMonitor.Fired = []
    for k in 0..<1000 { fired.formUnion(monitor.update(loss: 0.2 + 0.01 * gauss(k), isError: k % 10 == 0)) }
    #expect(fired.isEmpty)
    _ = monitor.update(loss: .nan, isError: nil)
    _ = monitor.update(loss: .infinity, isError: nil)
    for k in 0..<1000 { fired.formUnion(monitor.update(loss: 0.9, isError: k % 2 == 0)) }
    #expect(fired == [.adwin, .pageHinkley, .ddm])
  }

  @Test("half-space trees drawn from a seed are the same each time and find what is far off")
  func halfSpaceTrees() {
    var forest = HalfSpaceTrees(limits: [0...1, 0...1], trees: 10, height: 6, window: 100, seed: 7)
    #expect(forest == HalfSpaceTrees(limits: [0...1, 0...1], trees: 10, height: 6, window: 100, seed: 7))
    #expect(forest != HalfSpaceTrees(limits: [0...1, 0...1], trees: 10, height: 6, window: 100, seed: 8))
    #expect(forest.score([0.5, 0.5].span) == 0)
    for k in 0..<500 { forest.learn([0.5 + 0.03 * gauss(k), 0.3 + 0.03 * gauss(k + 10_000)].span) }
    let usual = forest.score([0.5, 0.3].span)
    let odd = forest.score([0.05, 0.95].span)
    #expect(odd > 0.9 && usual < odd - 0.2, "\(usual) \(odd)")
    #expect(forest.score([.nan, 0.3].span) < odd)
  }
}
