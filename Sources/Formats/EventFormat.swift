// The file formats, and how one is told from another.

package enum EventFormat: String, Sendable, CaseIterable {
  /// Tab-separated with a header.
  case tsv
  /// Comma-separated (or `;`, as the header shows) with a header and quotes.
  case csv
  /// JSON lines.
  case json
  /// MovieLens as it is distributed: 100K (`u.data`), 1M and 10M (`ratings.dat`), and the later csv files.
  case movielens
  /// Vowpal Wabbit's text.
  case vw
  case libsvm
  case libffm

  /// The format of a file by its name; nil if the name does not say.
  package init?(path: String) {
    let name = path.lowercased()
    let endings: [(String, EventFormat)] = [
      ("u.data", .movielens), (".dat", .movielens), (".tsv", .tsv), (".tab", .tsv), (".csv", .csv),
      (".jsonl", .json), (".ndjson", .json), (".json", .json), (".vw", .vw), (".libsvm", .libsvm),
      (".svm", .libsvm),
      (".libffm", .libffm), (".ffm", .libffm),
    ]
    guard let hit = endings.first(where: { name.hasSuffix($0.0) }) else { return nil }
    self = hit.1
  }

  package static var allNames: String { allCases.map(\.rawValue).joined(separator: ", ") }
}
