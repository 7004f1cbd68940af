// Business rules as text.

import Retrieval
import Testing

@Suite("Boosts")
struct BoostTests {
  private let item: [String: BoostValue] = [
    "category": .text("sale"), "price": .number(12.5), "tags": .texts(["new", "red"]),
    "featured": .flag(true),
  ]

  @Test(
    "hold or do not hold, as written",
    arguments: [
      (#"category == "sale" * 1.2"#, true), (#"category != "sale" * 1.2"#, false),
      ("price in [10, 12.5] * 2", true), ("price in [13, 20] * 2", false), ("price < 12.5 * 2", false),
      ("price <= 12.5 * 2", true), ("price > -1e3 * 2", true), (#"tags == "red" * 2"#, true),
      (#"tags != "blue" * 2"#, true), (#"category in {"x", "sale"} * 2"#, true),
      ("featured == true * 2", true),
      (#"not category == "sale" or price >= 12 and featured == true * 0.5"#, true),
      (#"not (category == "sale" or price >= 12) * 0.5"#, false), (#"missing != "x" * 2"#, false),
      (#"not missing == "x" * 2"#, true), (#"price == "12.5" * 2"#, false),
    ])
  func holds(source: String, expected: Bool) throws {
    #expect(try Boost(source).applies { item[$0] ?? .missing } == expected)
  }

  @Test(
    "that are none are refused with the place and what may stand there",
    arguments: [
      ("", 0, "an attribute"), (#"category "sale" * 2"#, 9, "=="), (#"category == * 2"#, 12, "a text"),
      (#"category == "sale""#, 18, "factor"), (#"category == "sale" * 0"#, 21, "greater than 0"),
      (#"category == "sale * 2"#, 21, "closing"), ("price in [5, 1] * 2", 13, "at least 5"),
      ("price in 5 * 2", 9, "a range"), (#"category < "a" * 2"#, 11, "a number"),
      ("(price > 1 * 2", 11, "`)`"),
      ("price > 1e999 * 2", 8, "finite"), ("price > 1 * 2 extra", 14, "the end"),
      ("price # 1 * 2", 6, "comparison"),
      ("colour == 1 * 2", 0, "category, price"), (#"price == "cheap" * 2"#, 9, "a number"),
      ("category == 3 * 2", 12, "a text in quotes"), ("category in [1, 2] * 2", 12, "category is no number"),
    ])
  func errors(source: String, position: Int, expected: String) throws {
    do {
      let fields = [BoostField(name: "category", kind: .text), BoostField(name: "price", kind: .number)]
      _ = try Boost(source, fields: fields)
      Issue.record("\(source) was taken")
    } catch {
      #expect(error.position == position)
      #expect(error.expected.contains(expected))
    }
  }

  @Test("of any bytes end in a rule or an error")
  func fuzz() {
    let parts = [
      "price", " ", "==", "(", ")", "not ", "\"a", "\"", "*", "1e", "-", "in", "[", "{", ",", "ü", "é\u{0}",
    ]
    var state: UInt64 = 1
    for _ in 0..<3_000 {
      var source = ""
      for _ in 0..<12 {
        state = state &* 6_364_136_223_846_793_005 &+ 1
        source += parts[Int(state >> 33) % parts.count]
      }
      _ = try? Boost(source)
    }
    _ = try? Boost(String(repeating: "(", count: 4_000))
    _ = try? Boost(String(repeating: "not ", count: 1_000))
  }
}
