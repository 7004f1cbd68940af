import Configuration
import Features
import Primitives
import Testing
import Wire

@testable import Learning

/// The loss of a stream that turns round is noticed, and the event at which it was is named.
@Suite struct DriftTests {
  private static let configuration = """
    label: {minimum: 0, maximum: 1, center: 0.5}
    events: {click: {label: positive}, view: {label: negative}}
    features: {sparse: {item: {of: item}}}
    model: {loss: logistic, members: {linear: {kind: linear}}, stack: {by: first}}
    hygiene: {burst: off}
    """

  /// Clicks on even items; from event 3,000 on, on odd ones.
  private static func event(_ index: Int) -> EventBuilder {
    let item = index % 20
    let isClicked = (item % 2 == 0) != (index >= 3_000)
    return EventBuilder(
      timeNanos: 1_700_000_000_000_000_000 + Int64(index),
      .interaction(type: isClicked ? "click" : "view", user: "user", item: "item-\(item)"))
  }

  @Test func `each signal names the event at which its detector fired`() throws {
    var stream = try LearnedStream(Self.configuration)
    for index in 0..<4_000 {
      let before = stream.model.driftPlaces.count
      try stream.take(Self.event(index))
      stream.model.noteDrift(at: 70_000 + UInt64(index))
      let places = stream.model.driftPlaces
      for place in places.newest.suffix(Int(places.count - before)) {
        // Each event is an example, and its time tells its number.
        #expect(place.offset - 70_000 == place.timeNanos - 1_700_000_000_000_000_000)
        #expect(index - Int(place.offset - 70_000) < DriftLog.blockSize)
      }
    }
    let places = stream.model.driftPlaces
    #expect(places.count == stream.model.drift.firings && places.newest.count == Int(places.count))
    #expect(
      Set(places.newest.filter { $0.offset > 73_000 }.map(\.detector)) == ["adwin", "page_hinkley", "ddm"])
    for signal in stream.model.drift.signals {
      #expect(places.last(of: signal.detector)?.count == signal.count)
    }
  }

  @Test(arguments: [1, 31, 32, 33, 2_999, 3_050])
  func `detectors go on after a restart as if there had been none`(count: Int) throws {
    var stream = try LearnedStream(Self.configuration)
    for index in 0..<count {
      try stream.take(Self.event(index))
      stream.model.noteDrift(at: UInt64(index))
    }
    var writer = ByteWriter()
    stream.model.encodeSmallState(to: &writer)
    writer.write(stream.model.driftPlaces)
    var reader = ByteReader(writer.bytes)
    var again = stream
    try again.model.decodeSmallState(from: &reader)
    again.model.driftPlaces = try reader.read()
    for index in count..<count + 200 {
      try stream.take(Self.event(index))
      stream.model.noteDrift(at: UInt64(index))
      try again.take(Self.event(index))
      again.model.noteDrift(at: UInt64(index))
    }
    #expect(again.model.driftPlaces == stream.model.driftPlaces)
    #expect(again.model.drift == stream.model.drift)
    #expect(again.model.digest == stream.model.digest)
  }
}
