import Foundation
import Testing

@testable import Statistics

@Suite(.enabled(if: Oracle.isPresent, Oracle.absence)) struct DriftOracleTests {
  private func stream(_ name: String) -> [Double] { name == "bern" ? Oracle.bern() : Oracle.steps() }

  @Test("the generator makes the reference streams")
  func generator() throws {
    let first = try #require(try Oracle.load("adwin")["first"] as? [String: Any])
    for name in ["bern", "steps"] {
      let expected = try Oracle.doubles(first[name])
      for (value, wished) in zip(stream(name), expected) { #expect(agrees(value, wished, 1e-15)) }
    }
  }

  @Test("ADWIN cuts where River's does, and its window agrees to 1e-9 on the way")
  func adwin() throws {
    for run in try #require(try Oracle.load("adwin")["runs"] as? [[String: Any]]) {
      let name = try #require(run["stream"] as? String)
      let given = try #require(run["params"] as? [String: Any])
      var parameters = ADWIN.Parameters()
      if let delta = given["delta"] as? Double { parameters.delta = delta }
      if let clock = given["clock"] as? Int { parameters.clock = clock }
      if let buckets = given["max_buckets"] as? Int { parameters.maxBuckets = buckets }
      if let length = given["min_window_length"] as? Int { parameters.minWindowLength = length }
      if let grace = given["grace_period"] as? Int { parameters.gracePeriod = grace }
      let trace = try #require(run["trace_k_width_estimation_variance"] as? [[Any]]).map {
        try Oracle.doubles($0)
      }
      var adwin = ADWIN(parameters)
      var detections: [Int] = []
      var index = 0
      for (k, value) in stream(name).enumerated() {
        if adwin.update(value) == .drift { detections.append(k) }
        if index < trace.count, trace[index][0] == Double(k) {
          #expect(adwin.width == trace[index][1], "\(name) \(k)")
          #expect(agrees(adwin.mean, trace[index][2], 1e-9), "\(name) \(k)")
          #expect(agrees(adwin.deviations, trace[index][3], 1e-9), "\(name) \(k)")
          index += 1
        }
      }
      #expect(index == trace.count)
      #expect(detections == run["detections"] as? [Int], "\(name) \(given)")
      #expect(adwin.detections == detections.count)
    }
  }

  @Test("Page-Hinkley fires where River's does, and its sums agree to 1e-9")
  func pageHinkley() throws {
    for run in try #require(try Oracle.load("page_hinkley")["runs"] as? [[String: Any]]) {
      let given = try #require(run["params"] as? [String: Any])
      let mode = (given["mode"] as? String).map { $0 == "up" ? PageHinkley.Mode.up : .down } ?? .both
      var test = PageHinkley(
        minInstances: given["min_instances"] as? Int ?? 30, delta: given["delta"] as? Double ?? 0.005,
        threshold: given["threshold"] as? Double ?? 50, alpha: given["alpha"] as? Double ?? 1 - 0.0001,
        mode: mode)
      let trace = try #require(run["trace_k_mean_suminc_sumdec_mininc_maxdec"] as? [[Any]]).map {
        try Oracle.doubles($0)
      }
      var detections: [Int] = []
      var index = 0
      for (k, value) in Oracle.steps().enumerated() {
        if test.update(value) == .drift { detections.append(k) }
        if index < trace.count, trace[index][0] == Double(k) {
          let figures = [test.mean, test.sumUp, test.sumDown, test.minUp, test.maxDown]
          for (figure, wished) in zip(figures, trace[index].dropFirst()) {
            #expect(agrees(figure, wished, 1e-9), "\(given) at \(k)")
          }
          index += 1
        }
      }
      #expect(index == trace.count)
      #expect(detections == run["detections"] as? [Int], "\(given)")
    }
  }

  @Test("DDM fires and warns where River's does")
  func errorRate() throws {
    let runs = try #require(try Oracle.load("error_rate_detectors")["runs"] as? [[String: Any]])
    let run = try #require(runs.first { $0["detector"] as? String == "DDM" })
    var ddm = DDM()
    var (detections, warnings) = ([Int](), [Int]())
    for (k, value) in Oracle.bern().enumerated() {
      let signal = ddm.update(isError: value == 1)
      if signal == .drift { detections.append(k) }
      if signal == .warning { warnings.append(k) }
    }
    // The file stores the first 200 warnings.
    let expected = try #require(run["warnings"] as? [Int])
    #expect(detections == run["detections"] as? [Int])
    #expect(Array(warnings.prefix(expected.count)) == expected)
    if expected.count < 190 { #expect(warnings.count == expected.count) }
  }
}
