// Which column, key or attribute of a file plays which part in an event.

/// Parts by column name. What is not said is told from common names (`userId`, `movie_id`, `rating`, `ts`, …);
/// columns without a part become context.
package struct ColumnRoles: Sendable, Equatable {
  package enum Role: String, Sendable, CaseIterable {
    case id, type, user, item, value, time, weight, source
    /// A class: 0 or -1 for what did not happen, 1 for what did.
    case label
    /// Left out.
    case ignored
  }

  /// How a context column or attribute is read.
  package enum Kind: String, Sendable, CaseIterable {
    /// A number if it is written like one, else a text.
    case automatic
    case number, text
    /// Several categories, separated by `|` or spaces.
    case texts
    /// Several numbers, separated by `|`, `,`, `;` or spaces.
    case numbers
    case flag
  }

  /// Exact column names, which go before the common ones.
  package var roles: [String: Role]
  package var kinds: [String: Kind]

  package init(roles: [String: Role] = [:], kinds: [String: Kind] = [:]) {
    self.roles = roles
    self.kinds = kinds
  }

  private static let common: [Role: [String]] = [
    .id: ["id", "eventid"],
    .type: ["type", "event", "eventtype", "action"],
    .user: ["user", "userid", "uid", "u", "customer", "customerid", "visitorid", "reviewerid"],
    .item: [
      "item", "itemid", "iid", "i", "movie", "movieid", "product", "productid", "article", "articleid", "ad",
      "adid",
      "asin",
    ],
    .value: ["value", "rating", "score", "stars", "overall"],
    .label: ["label", "target", "y", "click", "clicked"],
    .time: [
      "time", "timestamp", "ts", "datetime", "date", "timenanos", "unixtime", "eventtime", "unixreviewtime",
    ],
    .weight: ["weight", "importance", "sampleweight"],
    .source: ["source"],
  ]

  /// The part of a column, nil for context.
  func role(of column: String) -> Role? {
    if let role = roles[column] { return role }
    let plain = Self.plain(column)
    // A part that was given by hand to another column is not guessed a second time.
    return Role.allCases.first { role in
      Self.common[role]?.contains(plain) == true && !roles.values.contains(role)
    }
  }

  func kind(of column: String) -> Kind {
    if let kind = kinds[column] { return kind }
    return ["genres", "tags", "categories", "keywords"].contains(Self.plain(column)) ? .texts : .automatic
  }

  /// Lower case, letters and digits alone.
  static func plain(_ column: String) -> String {
    String(column.lowercased().filter { $0.isLetter || $0.isNumber })
  }
}
