import Testing
import Wire

@testable import Formats

@Suite struct JSONLinesTests {
  private func records(_ content: String) throws -> [RawRecord] {
    let file = try TemporaryFile(content, name: "x.jsonl")
    let reader = try EventReader(path: file.path)
    var records: [RawRecord] = []
    while let record = try reader.next() { records.append(record) }
    return records
  }

  @Test("events with context, and entities, from JSON lines")
  func lines() throws {
    let records = try records(
      """
      {"type":"rating","user":"u\\u00e91","item":7,"value":4,"time":1700000000,"context":{"device":"ios","page":3,\
      "new":true,"tags":["a","b"],"vec":[1,-2.5e0],"none":null},"deep":{"a":{"b":1}}}

      {"entity":"item","id":"i7","action":"merge","attributes":{"genres":["Drama"]},"year":1995}
      {"user":"\\ud83d\\ude00","timestamp":"2024-01-31","weight":0.5,"id":"e1","source":"web"}
      """)
    #expect(records.count == 3)
    var event = RawEvent()
    (event.type, event.user, event.item, event.value) = ("rating", "u\u{E9}1", "7", 4)
    event.timeNanos = 1_700_000_000_000_000_000
    event.context = [
      NamedAttribute("device", .text("ios")), NamedAttribute("page", .number(3)),
      NamedAttribute("new", .flag(true)),
      NamedAttribute("tags", .texts(["a", "b"])), NamedAttribute("vec", .numbers([1, -2.5])),
      NamedAttribute("deep.a.b", .number(1)),
    ]
    #expect(records[0] == .event(event))
    #expect(
      records[1]
        == .entity(
          RawEntityChange(
            kind: .item, id: "i7", action: .merge,
            attributes: [NamedAttribute("genres", .texts(["Drama"])), NamedAttribute("year", .number(1995))]))
    )
    guard case .event(let last) = records[2] else {
      Issue.record("no event")
      return
    }
    #expect(last.user == "😀" && last.weight == 0.5 && last.id == "e1" && last.source == "web")
  }

  @Test(
    "bad JSON is refused with its place",
    arguments: [
      "{", "[1]", "{\"user\":\"a\"} x", "{\"user\":\"a\",}", "{\"user\":01}", "{\"user\":1.}",
      "{\"user\":\"\\x\"}",
      "{\"user\":\"\\ud83d\"}", "{'user':1}", "{\"value\":\"abc\"}", "{\"value\":1e999}", "{}",
      "{\"user\":[1]}", "{\"user\":{\"x\":1},\"item\":\"a\"}", "{\"time\":{},\"item\":\"a\"}",
      "{\"user\":\"a\",\"user\":\"b\"}", "{\"user\":\"a\tb\"}", "{\"x\":[1,\"a\"]}",
      "{\"entity\":\"shop\",\"id\":\"1\"}",
      "{\"entity\":\"item\"}", "nul", "{\"entity\":\"item\",\"id\":\"1\",\"action\":\"burn\"}",
      "{\"user\":\"\\u12g4\"}",
    ])
  func bad(line: String) throws {
    let file = try TemporaryFile("\n" + line + "\n", name: "x.jsonl")
    let error = try #require(file.error())
    #expect(error.line == 2 && !error.allowed.isEmpty, "\(error)")
  }

  @Test("deep nesting is refused, not recursed into")
  func deep() throws {
    let file = try TemporaryFile(
      "{\"a\":" + String(repeating: "[", count: 100_000), name: "x.jsonl")
    #expect(file.error()?.problem == "is nested deeper than 32")
  }

  @Test("every cut of a good line is refused without a trap")
  func cuts() {
    let line = Array("{\"user\":\"a\\u00e9\\n\",\"v\":[-1.5e+3,true,null],\"o\":{\"k\":\"x\"}}".utf8)
    for length in 0..<line.count {
      #expect(throws: JSONError.self) { _ = try JSONParser.parse(Array(line[..<length])) }
    }
    #expect(throws: Never.self) { _ = try JSONParser.parse(line) }
  }
}

@Suite struct VowpalWabbitTests {
  @Test("labels, importance, tags, namespaces, values and scales")
  func lines() throws {
    let file = try TemporaryFile(
      "1 2.0 'ex1|user u1 |item i9 |ad red big price:0.5 |geo:2 lat:1.5\n-1 |a x\n\n |b y:3\n1 0.5 tag2|c z\n2|  bare 7:1\n",
      name: "x.vw")
    let events = try file.events()
    #expect(events.count == 5)
    #expect(events[0].value == 1 && events[0].weight == 2 && events[0].id == "ex1")
    #expect(events[0].user == "u1" && events[0].item == "i9")
    #expect(
      events[0].context == [
        NamedAttribute("ad_price", .number(0.5)), NamedAttribute("ad", .texts(["red", "big"])),
        NamedAttribute("geo_lat", .number(3)),
      ])
    #expect(events.map(\.isClassified) == Array(repeating: true, count: 5))
    #expect(events[1].value == -1 && events[1].context == [NamedAttribute("a", .texts(["x"]))])
    #expect(events[2].value == nil && events[2].context == [NamedAttribute("b_y", .number(3))])
    #expect(events[3].id == "tag2" && events[3].weight == 0.5)
    #expect(
      events[4].context == [NamedAttribute("7", .number(1)), NamedAttribute("features", .texts(["bare"]))])
  }

  @Test("what is not VW is refused", arguments: ["1 2 3", "x |a b", "1 -2 |a b", "1 |a b:c"])
  func bad(line: String) throws {
    let error = try #require(try TemporaryFile(line + "\n", name: "x.vw").error())
    #expect(error.line == 1 && !error.allowed.isEmpty)
  }
}

@Suite struct SparseVectorTests {
  @Test("libsvm: labels, entries, comments and queries")
  func libsvm() throws {
    let file = try TemporaryFile("+1 qid:3 1:0.5 7:-2 # note\n\n-1 2:1\n", name: "x.libsvm")
    let events = try file.events()
    #expect(events.map(\.value) == [1, -1] && events.map(\.isClassified) == [true, true])
    #expect(
      events[0].context == [
        NamedAttribute("qid", .text("3")), NamedAttribute("f1", .number(0.5)),
        NamedAttribute("f7", .number(-2)),
      ])
  }

  @Test("libffm: categories by field, numbers by field and feature")
  func libffm() throws {
    let file = try TemporaryFile("1 0:12:1 1:7:0.25 0:13:1\n", name: "x.ffm")
    #expect(
      try file.events()[0].context == [
        NamedAttribute("field1_7", .number(0.25)), NamedAttribute("field0", .texts(["12", "13"])),
      ])
  }

  @Test("what is no vector is refused", arguments: ["a 1:2", "1 1", "1 1:", "1 1:x", "1 :2", "1 1:2:3"])
  func bad(line: String) throws {
    let error = try #require(try TemporaryFile("0 1:1\n" + line + "\n", name: "x.svm").error())
    #expect(error.line == 2 && !error.allowed.isEmpty)
  }
}
