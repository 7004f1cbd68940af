import Foundation
import Testing
import Wire

@testable import Formats

/// The MovieLens 100K folder, where it is (see its README: it must not be copied).
private let folder = ProcessInfo.processInfo.environment["COWBIRD_ML100K"] ?? "../shared/data/ml-100k"
private let isPresent = FileManager.default.fileExists(atPath: folder + "/ratings.tsv")

@Suite struct MovieLensTests {
  @Test("u.data: tabs without a header")
  func hundredK() throws {
    let file = try TemporaryFile("196\t242\t3\t881250949\n186\t302\t3\t891717742\n", name: "u.data")
    let events = try file.events()
    #expect(events.count == 2 && events[0].user == "196" && events[0].item == "242" && events[0].value == 3)
    #expect(events[0].type == "rating" && events[0].timeNanos == 881_250_949_000_000_000)
  }

  @Test("ratings.dat: two colons")
  func million() throws {
    let file = try TemporaryFile("1::1193::5::978300760\n1::661::3.5::978302109\n", name: "ratings.dat")
    let events = try file.events()
    #expect(events.count == 2 && events[1].item == "661" && events[1].value == 3.5)
    #expect(try TemporaryFile("1::2::3\n", name: "ratings.dat").error()?.problem == "has 3 columns")
  }

  @Test("ratings.csv: a header")
  func csv() throws {
    let file = try TemporaryFile("userId,movieId,rating,timestamp\n1,2,3.5,1112486027\n", name: "ratings.csv")
    let event = try file.events(format: .movielens)[0]
    #expect(event.user == "1" && event.item == "2" && event.value == 3.5 && event.type == "rating")
  }

  @Test("side files of all three: genres become several categories, Latin-1 titles are read")
  func sides() throws {
    let movies = try TemporaryFile(
      bytes: Array("1::Mis".utf8) + [0xE9] + Array("rables (1995)::Drama|Musical\n".utf8), name: "movies.dat")
    #expect(
      try movies.entities(.item) == [
        RawEntityChange(
          kind: .item, id: "1",
          attributes: [
            NamedAttribute("title", .text("Misérables")),
            NamedAttribute("genres", .texts(["Drama", "Musical"])),
            NamedAttribute("year", .number(1995)),
          ])
      ])
    let users = try TemporaryFile("1::F::1::10::48067\n", name: "users.dat")
    #expect(
      try users.entities(.user)[0].attributes == [
        NamedAttribute("gender", .text("F")), NamedAttribute("age", .number(1)),
        NamedAttribute("occupation", .text("10")),
        NamedAttribute("zip", .text("48067")),
      ])
    let old = try TemporaryFile(
      "1|Toy Story (1995)|01-Jan-1995||http://x|0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0\n", name: "u.item")
    let attributes = try old.entities(.item)[0].attributes
    #expect(
      attributes == [
        NamedAttribute("title", .text("Toy Story")),
        NamedAttribute("genres", .texts(["Animation", "Children's", "Comedy"])),
        NamedAttribute("year", .number(1995)),
      ])
    #expect(!attributes.contains { $0.name.hasPrefix("genre ") || $0.name == "url" })
    let csv = try TemporaryFile(
      "movieId,title,genres\n7,\"City, The\",(no genres listed)\n", name: "movies.csv")
    #expect(
      try csv.entities(.item)[0].attributes == [
        NamedAttribute("title", .text("City, The")), NamedAttribute("genres", .texts([])),
      ])
    let empty = try TemporaryFile("user,age\n,3\n")
    #expect(throws: FormatError.self) { _ = try empty.entities(.user) }
  }

  @Test(
    "a film's year is its title's, else its release's; its title is without",
    arguments: [
      ("Fargo (1996)|14-Feb-1997", "Fargo", 1996.0), ("1984 (1984)|", "1984", 1984),
      ("unknown|", "unknown", nil), ("Of Love and Shadows|04-Feb-1994", "Of Love and Shadows", 1994),
      ("M (Eine Stadt) (1931) |", "M (Eine Stadt)", 1931),
    ] as [(String, String, Double?)])
  func years(line: String, title: String, year: Double?) throws {
    let flags = String(repeating: "|0", count: 19)
    let file = try TemporaryFile("1|\(line)|||\(flags.dropFirst())\n", name: "u.item")
    let attributes = try file.entities(.item)[0].attributes
    #expect(attributes.first == NamedAttribute("title", .text(title)))
    #expect(attributes.first { $0.name == "year" }?.value == year.map { .number($0) })
    #expect(!attributes.contains { $0.name == "released" })
    let csv = try TemporaryFile("movieId,title,genres\n7,Fargo (1996),Drama\n", name: "movies.csv")
    #expect(try csv.entities(.item)[0].attributes.last == NamedAttribute("year", .number(1996)))
    // Other files mean what they say.
    let other = try TemporaryFile("item,title\n7,Fargo (1996)\n", name: "items.csv")
    #expect(try other.entities(.item)[0].attributes == [NamedAttribute("title", .text("Fargo (1996)"))])
  }

  @Test(
    "the ml-100k files are read whole",
    .enabled(if: isPresent, "MovieLens 100K is absent: set COWBIRD_ML100K"))
  func files() throws {
    let reader = try EventReader(path: folder + "/ratings.tsv")
    var (count, sum, last) = (0, 0.0, Int64.min)
    var isSorted = true
    while case .event(let event) = try reader.next() {
      count += 1
      sum += try #require(event.value)
      isSorted = isSorted && event.timeNanos >= last
      last = event.timeNanos
    }
    #expect(count == 100_000 && isSorted && abs(sum / 100_000 - 3.52986) < 1e-9)
    #expect(reader.bytesRead == reader.totalBytes)

    let items = try EntityReader(path: folder + "/items.tsv", kind: .item)
    var (films, genres) = (0, 0)
    while let item = try items.next() {
      films += 1
      for case .texts(let names) in item.attributes.map(\.value) { genres += names.count }
    }
    #expect(films == 1682 && genres > 2800)
    let users = try EntityReader(path: folder + "/users.tsv", kind: .user)
    var people = 0
    while let user = try users.next() {
      people += 1
      #expect(user.attributes.first?.name == "age")
    }
    #expect(people == 943)
  }
}
