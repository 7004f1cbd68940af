import Foundation
import Testing

@testable import Statistics

@Suite(.enabled(if: Oracle.isPresent, Oracle.absence)) struct MomentsOracleTests {
  /// Places of the stream whose figures are stored: k < 20 and every 20th.
  private func sampled(_ count: Int) -> [Int] { (0..<count).filter { $0 < 20 || $0 % 20 == 19 } }

  private func check(
    _ name: String, tolerance: Double = 1e-9, _ next: (Double) -> Double,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let file = try Oracle.load("stats")
    let expected = try Oracle.doubles((file["values"] as? [String: Any])?[name])
    let stream = Array(Oracle.steps()[1400..<1900])
    let places = sampled(stream.count)
    #expect(places.count == expected.count, sourceLocation: sourceLocation)
    var figures: [Double] = []
    for (k, value) in stream.enumerated() {
      let figure = next(value)
      if k < 20 || k % 20 == 19 { figures.append(figure) }
    }
    for (index, place) in places.enumerated() {
      #expect(
        agrees(figures[index], expected[index], tolerance), "\(name) at \(place)",
        sourceLocation: sourceLocation)
    }
  }

  @Test("Welford's mean and sample variance equal River's")
  func meanAndVariance() throws {
    var moments = RunningMoments()
    try check("Mean") {
      moments.update($0)
      return moments.mean
    }
    var second = RunningMoments()
    try check("Var") {
      second.update($0)
      return second.sampleVariance
    }
  }

  @Test("skewness and kurtosis equal River's")
  func higherMoments() throws {
    var moments = CentralMoments()
    try check("Skew") {
      moments.update($0)
      return moments.skewness
    }
    var second = CentralMoments()
    try check("Kurtosis") {
      second.update($0)
      return second.excessKurtosis
    }
  }

  @Test("exponentially weighted means and variances equal River's", arguments: [("05", 0.5), ("01", 0.1)])
  func exponential(name: String, alpha: Double) throws {
    var mean = ExponentialMean(alpha: alpha)
    try check("EWMean_" + name) {
      mean.update($0)
      return mean.mean
    }
    var variance = ExponentialVariance(alpha: alpha)
    try check("EWVar_" + name) {
      variance.update($0)
      return variance.variance
    }
  }

  @Test("P² quantiles equal River's", arguments: [("05", 0.5), ("09", 0.9)])
  func p2(name: String, probability: Double) throws {
    var quantile = P2Quantile(probability: probability)
    try check("Quantile_" + name) {
      quantile.update($0)
      return quantile.value
    }
  }

  @Test("rolling quantile, mean, variance and minimum equal River's")
  func rolling() throws {
    var quantile = RollingQuantile(probability: 0.5, size: 50)
    try check("RollingQuantile_05_50", tolerance: 1e-12) {
      quantile.update($0)
      return quantile.value
    }
    var moments = RollingMoments(size: 50)
    try check("RollingMean_50") {
      moments.update($0)
      return moments.mean
    }
    var second = RollingMoments(size: 50)
    try check("RollingVar_50") {
      second.update($0)
      return second.sampleVariance
    }
    var minimum = RollingExtremum(.minimum, size: 50)
    try check("RollingMin_50", tolerance: 1e-15) {
      minimum.update($0)
      return minimum.value ?? .nan
    }
    var maximum = MinMaxScaler()
    try check("Max", tolerance: 1e-15) {
      maximum.learn($0)
      return maximum.maximum
    }
  }

  @Test("scalers equal River's: learn first, then transform")
  func scalers() throws {
    let file = try Oracle.load("scalers")
    let tables = try #require(file["rows_k_a_b_c"] as? [String: [[Any]]])
    var random = SplitMix(seed: 3)
    let rows = (0..<300).map { k in
      let a = random.gauss()
      let b = 100 + 20 * random.gauss()
      return [a, b, random.uniform() * (1 + Double(k) / 100)]
    }
    let first = try #require(file["first"] as? [String: Any])
    for (value, name) in zip(rows[0], ["a", "b", "c"]) {
      #expect(try agrees(value, Oracle.number(first[name]), 1e-15))
    }

    func compare(_ name: String, _ transform: (Int, Double) -> Double) throws {
      let expected = try #require(tables[name])
      var index = 0
      for (k, row) in rows.enumerated() {
        let figures = (0..<3).map { transform($0, row[$0]) }
        guard index < expected.count, try Oracle.number(expected[index][0]) == Double(k) else { continue }
        for column in 0..<3 {
          let wished = try Oracle.number(expected[index][column + 1])
          #expect(agrees(figures[column], wished, 1e-9), "\(name) row \(k) column \(column)")
        }
        index += 1
      }
      #expect(index == expected.count)
    }

    var standard = Array(repeating: StandardScaler(), count: 3)
    try compare("StandardScaler") { column, value in
      standard[column].learn(value)
      return standard[column].transform(value)
    }
    var adaptive = Array(repeating: AdaptiveStandardScaler(), count: 3)
    try compare("AdaptiveStandardScaler_03") { column, value in
      adaptive[column].learn(value)
      return adaptive[column].transform(value)
    }
    var range = Array(repeating: MinMaxScaler(), count: 3)
    try compare("MinMaxScaler") { column, value in
      range[column].learn(value)
      return range[column].transform(value)
    }
    var largest = Array(repeating: MaxAbsScaler(), count: 3)
    try compare("MaxAbsScaler") { column, value in
      largest[column].learn(value)
      return largest[column].transform(value)
    }
    var robust = Array(repeating: RobustScaler(), count: 3)
    try compare("RobustScaler") { column, value in
      robust[column].learn(value)
      return robust[column].transform(value)
    }
  }
}
