import Foundation
import Testing

@testable import Statistics

@Suite(.enabled(if: Oracle.isPresent, Oracle.absence)) struct MetricsOracleTests {
  /// 1500 rows: z uniform, y = uniform < z, p = 0.6 z + 0.4 uniform, rounded to two decimals.
  private func rows() -> [(isPositive: Bool, p: Double)] {
    var random = SplitMix(seed: 4)
    return (0..<1500).map { _ in
      let z = random.uniform()
      let isPositive = random.uniform() < z
      let p = 0.6 * z + 0.4 * random.uniform()
      return (isPositive, (p * 100).rounded(.toNearestOrEven) / 100)
    }
  }

  @Test("metrics equal River's, ties included")
  func metrics() throws {
    let file = try Oracle.load("metrics")
    let values = try #require(file["values"] as? [String: Any])
    let rows = rows()
    for (row, wished) in zip(rows, try #require(file["first"] as? [[Any]])) {
      #expect(row.isPositive == wished[0] as? Bool)
      #expect(try agrees(row.p, Oracle.number(wished[1]), 1e-15))
    }
    var sums = BinarySums()
    var index = 0
    let kinds: [(String, Double)] = [
      ("LogLoss", 1e-12), ("Accuracy", 1e-12), ("F1", 1e-12),
      ("CohenKappa", 1e-12), ("RMSE", 1e-12),
      ("MAE", 1e-12), ("BalancedAccuracy", 1e-12), ("MCC", 1e-12),
    ]
    let expected = try kinds.map { try Oracle.doubles(values[$0.0]) }
    for (k, row) in rows.enumerated() {
      sums.add(BinaryOutcome(probability: row.p, isPositive: row.isPositive))
      guard k % 50 == 49 else { continue }
      let figures = [
        sums.logloss, sums.accuracy, sums.f1, sums.kappa,
        sums.rmse, sums.mae, sums.balancedAccuracy, sums.matthewsCorrelation,
      ]
      for (column, figure) in figures.enumerated() {
        let wished = expected[column][index]
        #expect(agrees(figure ?? .nan, wished, kinds[column].1), "\(kinds[column].0) at \(k)")
      }
      index += 1
    }
    #expect(index == expected[0].count)
  }

  /// River draws the curve through 50 thresholds: off by up to 0.0013 here, and by 0.016 with 10.
  @Test(
    "the stream's AUC is River's but for its thresholds, and the exact one but for equal bins",
    arguments: [("ROCAUC_50", 0.0015), ("ROCAUC_10", 0.017)])
  func streamAUC(name: String, tolerance: Double) throws {
    let values = try #require(try Oracle.load("metrics")["values"] as? [String: Any])
    let expected = try Oracle.doubles(values[name])
    var set = MetricSet(task: .binary, window: 2_000)
    for (k, row) in rows().enumerated() {
      set.update(prediction: row.p, label: row.isPositive ? 1 : 0)
      guard k % 50 == 49 else { continue }
      let (streamed, exact) = (
        try #require(set.value("auc", .total)), try #require(set.value("auc", .window))
      )
      #expect(abs(streamed - exact) < 0.0005, "at \(k)")
      #expect(abs(streamed - expected[k / 50]) < tolerance, "at \(k)")
    }
  }

  @Test(
    "the window's AUC equals counting all pairs, and River's but for its rounding of ties",
    arguments: [100, 1000])
  func rollingAUC(size: Int) throws {
    let values = try #require(try Oracle.load("metrics")["values"] as? [String: Any])
    let expected = try Oracle.doubles(values["RollingROCAUC_\(size)"])
    let rows = rows()
    var rolling = MetricSet(task: .binary, window: size)
    for (k, row) in rows.enumerated() {
      rolling.update(prediction: row.p, label: row.isPositive ? 1 : 0)
      guard k % 50 == 49 else { continue }
      let window = rows[max(0, k + 1 - size)...k]
      let positives = window.filter { $0.isPositive }
      let negatives = window.filter { !$0.isPositive }
      var credits = 0.0
      for positive in positives {
        for negative in negatives {
          credits += positive.p > negative.p ? 1 : positive.p == negative.p ? 0.5 : 0
        }
      }
      let exact = credits / Double(positives.count * negatives.count)
      let value = try #require(rolling.value("auc", .window))
      #expect(agrees(value, exact, 1e-12))
      // River rounds the credit of each negative in a tie down to a whole pair: it loses at most half a pair per
      // negative, 1 / (2 P) in all.
      let loss = value - expected[k / 50]
      #expect(loss > -1e-12 && loss <= 0.5 / Double(positives.count), "at \(k)")
    }
  }

  @Test("half-space trees score as River's on the same drawn trees")
  func halfSpaceTrees() throws {
    let file = try Oracle.load("half_space_trees")
    var random = SplitMix(seed: 7)
    let rows = (0..<700).map { k in
      (0..<3).map { _ in
        k % 37 == 36 ? random.uniform() : min(max(0.5 + 0.08 * random.gauss(), 0), 1)
      }
    }
    for (value, wished) in try zip(rows[0], Oracle.doubles(file["first"])) {
      #expect(agrees(value, wished, 1e-15))
    }
    for run in try #require(file["runs"] as? [[String: Any]]) {
      let parameters = try #require(run["params"] as? [String: Any])
      let height = try #require(parameters["height"] as? Int)
      let stored = try #require(run["trees"] as? [[Any]])
      let trees = try stored.map { tree in
        let empty = HalfSpaceTrees.Split(feature: 0, threshold: 0)
        var splits = Array(repeating: empty, count: (1 << height) - 1)
        func place(_ node: [Any], at index: Int) throws {
          let feature = ["a", "b", "c"].firstIndex(of: try #require(node[0] as? String))
          splits[index] = try .init(feature: #require(feature), threshold: Oracle.number(node[1]))
          if let left = node[2] as? [Any] { try place(left, at: 2 * index + 1) }
          if let right = node[3] as? [Any] { try place(right, at: 2 * index + 2) }
        }
        try place(tree, at: 0)
        return splits
      }
      let window = try #require(parameters["window_size"] as? Int)
      var forest = HalfSpaceTrees(featureCount: 3, height: height, window: window, splits: trees)
      let expected = try Oracle.doubles(run["scores"])
      var index = 0
      for (k, row) in rows.enumerated() {
        if k < 120 || k % 10 == 9 || k % 37 == 36 {
          #expect(agrees(forest.score(row.span), expected[index], 1e-12), "row \(k)")
          index += 1
        }
        forest.learn(row.span)
      }
      #expect(index == expected.count)
    }
  }
}
