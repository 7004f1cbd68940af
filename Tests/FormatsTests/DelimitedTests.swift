import Testing
import Wire

@testable import Formats

@Suite struct DelimitedTests {
  @Test("CSV with BOM, CRLF, quotes, separators and line ends in quotes, and no last line end")
  func csv() throws {
    let file = try TemporaryFile(
      "\u{FEFF}userId,title,rating,ts\r\n1,\"Ex, \"\"quoted\"\"\r\nand more\",4.5,1700000000\r\n\r\n2,plain \"x\",,\r\n3,,\"1\",\"2024-01-31T00:00:00Z\""
    )
    let events = try file.events()
    #expect(events.count == 3)
    #expect(
      events[0].user == "1" && events[0].value == 4.5 && events[0].timeNanos == 1_700_000_000_000_000_000)
    #expect(events[0].context == [NamedAttribute("title", .text("Ex, \"quoted\"\r\nand more"))])
    #expect(events[1].value == nil && events[1].timeNanos == 0)
    #expect(events[1].context == [NamedAttribute("title", .text("plain \"x\""))])
    #expect(
      events[2].value == 1 && events[2].timeNanos == 1_706_659_200_000_000_000 && events[2].context.isEmpty)
  }

  @Test("TSV takes quotes as they are")
  func tsv() throws {
    let file = try TemporaryFile("user\titem\tnote\nu\ti\t\"open\n", name: "x.tsv")
    #expect(try file.events()[0].context == [NamedAttribute("note", .text("\"open"))])
  }

  @Test("a semicolon separates where the header says so")
  func semicolon() throws {
    let file = try TemporaryFile("user;item;value\na;b,c;2\n")
    #expect(try file.events()[0].item == "b,c")
  }

  @Test("columns get their parts by hand, and kinds by hand")
  func roles() throws {
    let file = try TemporaryFile(
      "who,what,good,secret,tags,vec,on,zip\na,b,true,x,red|blue,1 2.5,yes,02134\n")
    let roles = ColumnRoles(
      roles: ["who": .user, "what": .item, "good": .value, "secret": .ignored],
      kinds: ["vec": .numbers, "on": .flag])
    let event = try file.events(roles: roles)[0]
    #expect(event.user == "a" && event.item == "b" && event.value == 1)
    #expect(
      event.context == [
        NamedAttribute("tags", .texts(["red", "blue"])), NamedAttribute("vec", .numbers([1, 2.5])),
        NamedAttribute("on", .flag(true)), NamedAttribute("zip", .text("02134")),
      ])
  }

  @Test(
    "errors name the file, the line, the column, the value and what is allowed",
    arguments: [
      ("user,item,rating\na,b,3\na,b,abc\n", 3, "rating", "abc"),
      ("user,item,rating\na,b,nan1\n", 2, "rating", "nan1"),
      ("user,item,rating\na,b,1e999\n", 2, "rating", "1e999"),
      ("user,item,rating\na,b,0x10\n", 2, "rating", "0x10"),
      ("user,item,timestamp\na,b,yesterday\n", 2, "timestamp", "yesterday"),
      ("user,item,weight\na,b,-1\n", 2, "weight", "-1"),
      ("user,item\na\n", 2, "", ""),
      ("user,item\na,b,c\n", 2, "", ""),
      ("user,user\na,b\n", 1, "2", "user"),
      ("user,userId\na,b\n", 1, "userId", ""),
      ("colour,size\nred,1\n", 1, "", "colour, size"),
      ("user,item\n\"a,b\n", 2, "1", ""),
      ("user,item\n\"a\"x,b\n", 2, "1", "a"),
      ("user,item\n\"a\n\n\",b\nc\n", 5, "", ""),
    ])
  func errors(content: String, line: Int, column: String, value: String) throws {
    let file = try TemporaryFile(content)
    let error = try #require(file.error())
    #expect(error.line == line && error.column == column && error.value == value, "\(error)")
    #expect(!error.allowed.isEmpty && error.description.hasPrefix("\(file.path):\(line): "))
  }

  @Test("after an error the next line is read")
  func goesOn() throws {
    let file = try TemporaryFile("user,rating\na,1\nb,x\nc,3\n")
    let reader = try EventReader(path: file.path)
    #expect(try reader.next() != nil)
    #expect(throws: FormatError.self) { _ = try reader.next() }
    guard case .event(let event) = try reader.next() else {
      Issue.record("no event after the error")
      return
    }
    #expect(event.user == "c" && reader.lineNumber == 4)
    #expect(try reader.next() == nil)
  }

  @Test("bytes that are not UTF-8 are an error; ids have at most 256 bytes")
  func text() throws {
    let bad = try TemporaryFile(bytes: Array("user,item\na,".utf8) + [0xE9, 0x0A], name: "x.csv")
    #expect(bad.error()?.problem == "is not UTF-8")
    let long = try TemporaryFile("user,item\n\(String(repeating: "x", count: 257)),b\n")
    let error = try #require(long.error())
    #expect(error.column == "user" && error.value.count == 61)
    #expect(error.allowed == "at most 256 bytes")
  }

  @Test("lines longer than the buffer are read, up to 4 MiB and no further")
  func long() throws {
    let text = String(repeating: "y", count: 300_000)
    let file = try TemporaryFile("user,note\na,\(text)\nb,short\n")
    let events = try file.events()
    #expect(events[0].context == [NamedAttribute("note", .text(text))] && events[1].user == "b")
    let huge = try TemporaryFile("user,note\na,\"" + String(repeating: "z\n", count: 2_200_000))
    #expect(huge.error()?.problem == "is longer than 4 MiB")
  }

  @Test("lines at every place relative to the buffer's end are whole")
  func boundaries() throws {
    var content = "user,item\n"
    for k in 0..<20_000 { content += "u\(k),\(String(repeating: "i", count: k % 23))\n" }
    let file = try TemporaryFile(content)
    let events = try file.events()
    #expect(events.count == 20_000)
    for (k, event) in events.enumerated() where event.user != "u\(k)" || event.item.count != k % 23 {
      Issue.record("row \(k)")
      break
    }
  }

  @Test("a missing file and an unknown format say so")
  func opening() throws {
    #expect(throws: FormatError.self) { _ = try EventReader(path: "/nowhere/x.csv") }
    let file = try TemporaryFile("user\na\n", name: "data.bin")
    #expect(file.error()?.allowed.contains("libffm") == true)
    #expect(try file.events(format: .csv).count == 1)
    #expect(try TemporaryFile("").events().isEmpty)
    #expect(try TemporaryFile("user,item\n").events().isEmpty)
  }

  @Test(
    "times in every unit and as dates",
    arguments: [
      ("1700000000", 1_700_000_000_000_000_000), ("1700000000123", 1_700_000_000_123_000_000),
      ("1700000000123456", 1_700_000_000_123_456_000), ("1700000000123456789", 1_700_000_000_123_456_789),
      ("-5", -5_000_000_000), ("1.5", 1_500_000_000), ("1970-01-01", 0), ("1969-12-31", -86_400_000_000_000),
      ("2000-02-29 23:59:59.25", 951_868_799_250_000_000),
      ("2024-01-31T12:00+02:00", 1_706_695_200_000_000_000),
      ("2024-01-31T12:00:00-0030", 1_706_704_200_000_000_000), ("2024-02-29", 1_709_164_800_000_000_000),
      ("2000-02-29", 951_782_400_000_000_000),
    ])
  func times(text: String, nanos: Int64) { #expect(FieldParsing.time(text) == nanos) }

  @Test(
    "what is no time is none",
    arguments: [
      "", "2024-13-01", "2024-01-31T25:00", "12:00", "2024-01-31x", "9e99", "2024-02-30", "2023-02-29",
      "1900-02-29", "2024-04-31", "2024-01-00", "2024-01-31T12:00:60Z", "2024-01-31T12:00:00+99:00",
      "2024-01-31T12:00:00-01:60",
    ])
  func noTimes(text: String) { #expect(FieldParsing.time(text) == nil) }

  @Test("a column of classes is told from one of grades, and a file has one of them")
  func classes() throws {
    for name in ["label", "target", "click", "clicked", "Y"] {
      let events = try TemporaryFile("user,item,\(name)\nu1,i1,1\nu2,i2,-1\nu3,i3,\nu4,i4,false\n").events()
      #expect(events.map(\.isClassified) == [true, true, true, true], "\(name)")
      #expect(events.map(\.value) == [1, -1, nil, 0])
    }
    for name in ["rating", "value", "score", "stars"] {
      let events = try TemporaryFile("user,item,\(name)\nu1,i1,4\n").events()
      #expect(events.map(\.isClassified) == [false] && events.map(\.value) == [4], "\(name)")
    }
    let error = try TemporaryFile("user,item,rating,label\nu1,i1,4,1\n").error()
    #expect(error?.problem.contains("both look like the value") == true)
  }

  @Test("after a line that cannot be read the next is, but after a header that makes no sense nothing is")
  func goingOn() throws {
    let file = try TemporaryFile("user,item,rating\nu1,i1,x\nu2,i2,3\n")
    let reader = try EventReader(path: file.path)
    #expect(throws: FormatError.self) { _ = try reader.next() }
    #expect(reader.canGoOn)
    guard case .event(let event)? = try reader.next() else {
      Issue.record("no event")
      return
    }
    #expect(event.user == "u2")
    let other = try TemporaryFile("a,b\n1,2\n")
    let confused = try EventReader(path: other.path)
    #expect(throws: FormatError.self) { _ = try confused.next() }
    #expect(!confused.canGoOn)
  }
}
