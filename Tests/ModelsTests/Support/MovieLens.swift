// ml-100k as plain arrays, with ids of words and genres by first appearance.

import Foundation

struct MovieLens: Sendable {
  struct Event { var user: Int, item: Int, rating: Float, time: Int64 }
  struct Item { var year = 0, genres: [Int] = [], words: [Int] = [] }

  var events: [Event] = []
  var ages = [Int](repeating: 30, count: 1_000)
  var items = [Item](repeating: Item(), count: 2_000)

  static var directory: String {
    if let set = ProcessInfo.processInfo.environment["COWBIRD_ML100K"] { return set }
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    return root.appending(path: "../shared/data/ml-100k").standardized.path
  }

  static var isThere: Bool { FileManager.default.fileExists(atPath: directory + "/ratings.tsv") }

  init(limit: Int = .max) throws {
    func rows(_ name: String) throws -> [[Substring]] {
      let text = try String(contentsOfFile: Self.directory + "/" + name, encoding: .utf8)
      return text.split(separator: "\n").dropFirst().map {
        $0.split(separator: "\t", omittingEmptySubsequences: false)
      }
    }
    for row in try rows("users.tsv") { ages[Int(row[0])!] = Int(row[1])! }
    var genres: [Substring: Int] = [:]
    var words: [String: Int] = [:]
    for row in try rows("items.tsv") {
      var item = Item()
      if row.count > 2 { item.year = Int(row[2]) ?? 0 }
      if row.count > 3 {
        for genre in row[3].split(separator: " ") {
          genres[genre] = genres[genre] ?? genres.count
          item.genres.append(genres[genre]!)
        }
      }
      for word in row[1].split(separator: " ") {
        let kept = String(
          decoding: word.utf8.filter { ($0 | 32 >= 97 && $0 | 32 <= 122) || ($0 >= 48 && $0 <= 57) }
            .map { $0 >= 65 && $0 <= 90 ? $0 | 32 : $0 }, as: UTF8.self)
        guard kept.utf8.count > 3 else { continue }
        words[kept] = words[kept] ?? words.count
        item.words.append(words[kept]!)
      }
      items[Int(row[0])!] = item
    }
    for row in try rows("ratings.tsv") {
      guard events.count < limit else { break }
      events.append(
        Event(user: Int(row[0])!, item: Int(row[1])!, rating: Float(row[2])!, time: Int64(row[3])!))
    }
  }
}
