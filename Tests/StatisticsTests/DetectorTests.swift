import Primitives
import Testing

@testable import Statistics

@Suite struct DetectorTests {
  private func gauss(_ k: Int) -> Double { CounterRandom.gauss(seed: 11, counter: UInt64(k)) }

  @Test("Welford's moments survive a large offset and merge as one stream")
  func moments() {
    var (whole, left, right) = (RunningMoments(), RunningMoments(), RunningMoments())
    for k in 0..<1000 {
      let x = 1e9 + gauss(k)
      whole.update(x, weight: Double(1 + k % 2))
      if k < 300 {
        left.update(x, weight: Double(1 + k % 2))
      } else {
        right.update(x, weight: Double(1 + k % 2))
      }
    }
    left.merge(right)
    #expect(agrees(left.mean, whole.mean, 1e-12))
    #expect(agrees(left.variance, whole.variance, 1e-6))
    #expect(whole.variance > 0.8 && whole.variance < 1.2)
  }

  @Test("ADWIN without restart keeps the new part of the window, and cuts a constant stream never")
  func adwin() {
    var adwin = ADWIN(.init(restartsAfterDrift: false))
    for _ in 0..<5000 { #expect(adwin.update(0.3) == .stable) }
    #expect(adwin.width == 5000)
    for k in 0..<500 { _ = adwin.update(k % 2 == 0 ? 5 : 5.1) }
    #expect(adwin.detections > 0)
    #expect(adwin.width < 1000 && agrees(adwin.mean, 5.05, 0.2))
  }

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
    #expect(fired.names == ["adwin", "page_hinkley", "ddm"])
    #expect(monitor.detections.map(\.name) == ["adwin", "page_hinkley", "ddm"])
    #expect(monitor.detections.allSatisfy { $0.count > 0 })
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

  @Test("FHDDM, HDDM-A and HDDM-W see an abrupt change within 200 values")
  func abrupt() {
    var (fhddm, hddma, hddmw) = (FHDDM(), HDDMA(), HDDMW())
    for k in 0..<1000 {
      let isError = CounterRandom.uniform(seed: 12, counter: UInt64(k)) < (k < 800 ? 0.1 : 0.8)
      _ = fhddm.update(!isError)
      _ = hddma.update(isError: isError)
      _ = hddmw.update(isError: isError)
    }
    #expect(fhddm.detections > 0 && hddma.detections > 0 && hddmw.detections > 0)
  }
}
