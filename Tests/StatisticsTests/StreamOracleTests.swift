import Configuration
import Testing
import Wire

@testable import Features
@testable import Statistics

/// Means and quantiles as they are kept, against River's.
@Suite(.enabled(if: Oracle.isPresent, Oracle.absence)) struct StreamOracleTests {
  private let stream = Array(Oracle.steps()[1400..<1900])
  /// Places of the stream whose figures are stored.
  private let places = (0..<500).filter { $0 < 20 || $0 % 20 == 19 }

  private func expected(_ name: String) throws -> [(place: Int, value: Double)] {
    let values = try Oracle.doubles((try Oracle.load("stats")["values"] as? [String: Any])?[name])
    #expect(values.count == places.count)
    return Array(zip(places, values)).map { (place: $0.0, value: $0.1) }
  }

  @Test("a running mean equals River's")
  func mean() throws {
    var mean = RunningMean()
    let means = stream.map { value in
      mean.update(value)
      return mean.mean
    }
    for (place, wished) in try expected("Mean") { #expect(agrees(means[place], wished, 1e-9)) }
  }

  /// A figure is kept as a Float: 1e-6 of the values' size. Warming up, the first values weigh more than River's do,
  /// until 1 / n is below the rate; what that did has faded to 2e-9 after 200 values.
  @Test(
    "the feature `ew_mean` equals River's exponentially weighted mean",
    arguments: [("05", 0.5, 0), ("01", 0.1, 199)])
  func exponential(name: String, rate: Double, from first: Int) throws {
    let plan = FeaturePlan(
      try Configuration(
        yaml: """
          label: {minimum: -10, maximum: 10}
          events: {rating: value}
          features:
            values:
              ew: {statistic: ew_mean, of: user, rate: \(rate), warmup: 1}
            dense: [ew]
          """))
    let place = try #require(plan.denseNames.firstIndex(of: "ew"))
    var state = FeatureState(plan)
    let example = Example(plan)
    // Before each event, and after the last.
    let figures = try (stream + [0]).enumerated().map { index, value in
      let event = EventBuilder(
        timeNanos: 1_700_000_000_000_000_000 + Int64(index),
        .interaction(type: "rating", user: "u", item: "i", value: value))
      return try event.encoded().withUnsafeBytes { bytes in
        let view = try EventView(bytes)
        state.makeExample(view, timeNanos: view.timeNanos, into: example)
        let figure = Double(example.denseArray[place])
        state.update(view, example)
        return figure
      }
    }
    for (place, wished) in try expected("EWMean_" + name) where place >= first {
      #expect(abs(figures[place + 1] - wished) < 2e-6, "at \(place)")
    }
  }

  @Test("the sketch's median of a window is River's exact one, within the sketch's relative error")
  func rollingMedian() throws {
    for (place, wished) in try expected("RollingQuantile_05_50") {
      let window = stream[max(0, place - 49)...place]
      var sketch = QuantileSketch()
      for value in window { sketch.update(value) }
      // Of an even number River takes the middle between both medians.
      let count = Double(window.count)
      let low = try #require(sketch.quantile(((count / 2).rounded(.up) - 0.5) / count))
      let high = try #require(sketch.quantile(((count / 2).rounded(.down) + 0.5) / count))
      let error = sketch.relativeError * max(low.magnitude, high.magnitude) * 1.01
      #expect(abs((low + high) / 2 - wished) <= error, "at \(place)")
    }
  }

  /// P² guesses from five markers: on 20 to 100 values of deviation 0.5 it is itself off by up to 0.045.
  @Test(
    "the sketch's quantiles are River's P² but for its error, while the stream stands still",
    arguments: [("05", 0.5), ("09", 0.9)])
  func quantile(name: String, probability: Double) throws {
    var sketch = QuantileSketch()
    var figures: [Double] = []
    for value in stream {
      sketch.update(value)
      figures.append(try #require(sketch.quantile(probability)))
    }
    for (place, wished) in try expected("Quantile_" + name) where (19..<100).contains(place) {
      #expect(abs(figures[place] - wished) < 0.05, "at \(place)")
    }
  }
}
