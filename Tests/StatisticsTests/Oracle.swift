// Reads the reference figures (COWBIRD_ORACLES, default ../shared/oracles) and makes their input streams.

import Foundation
import Testing

enum Oracle {
  static let folder =
    ProcessInfo.processInfo.environment["COWBIRD_ORACLES"] ?? "../shared/oracles"
  static let isPresent = FileManager.default.fileExists(atPath: folder + "/stats.json")
  static let absence: Comment = "reference figures are absent: set COWBIRD_ORACLES to their folder"

  static func load(_ name: String) throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name).json"))
    return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  static func doubles(_ value: Any?) throws -> [Double] {
    try #require(value as? [Any]).map { try number($0) }
  }

  static func number(_ value: Any?) throws -> Double { try #require(value as? NSNumber).doubleValue }

  /// 2000 values: 1 if uniform < p, p = 0.2, after 1000 values 0.6.
  static func bern() -> [Double] {
    var random = SplitMix(seed: 1)
    return (0..<2000).map { random.uniform() < ($0 < 1000 ? 0.2 : 0.6) ? 1 : 0 }
  }

  /// 3000 values around 0, from 1500 around 1, from 2200 around 0.3, of deviation 0.5.
  static func steps() -> [Double] {
    var random = SplitMix(seed: 2)
    return (0..<3000).map { ($0 < 1500 ? 0 : $0 < 2200 ? 1 : 0.3) + 0.5 * random.gauss() }
  }
}

/// The generator of the reference streams.
struct SplitMix {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  mutating func gauss() -> Double {
    var sum = 0.0
    for _ in 0..<12 { sum += uniform() }
    return sum - 6
  }
}

/// Foundation's JSON reader is off by an ulp at times, so nothing here is compared for equality.
///
/// Whether two figures agree to a relative and absolute tolerance.
func agrees(_ left: Double, _ right: Double, _ tolerance: Double = 1e-9) -> Bool {
  abs(left - right) <= tolerance * max(1, abs(right))
}
