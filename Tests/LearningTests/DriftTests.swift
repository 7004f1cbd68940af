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
    var watch = DriftWatch(stream.model)
    var seen: [String] = []
    for index in 0..<4_000 {
      try stream.take(Self.event(index))
      watch.look(at: stream.model, offset: 70_000 + UInt64(index)) { signal, offset in
        if signal.example > 3_000 { seen.append(signal.detector) }
        // Each event is an example: the first is number 1.
        #expect(offset == 70_000 + signal.example - 1)
        #expect(signal.timeNanos == 1_700_000_000_000_000_000 + Int64(signal.example) - 1)
        #expect(index - Int(signal.example - 1) < DriftLog.blockSize)
      }
    }
    #expect(Set(seen) == ["adwin", "page_hinkley", "ddm"])
  }

  @Test(arguments: [1, 31, 32, 33, 2_999, 3_050])
  func `detectors go on after a restart as if there had been none`(count: Int) throws {
    var stream = try LearnedStream(Self.configuration)
    for index in 0..<count { try stream.take(Self.event(index)) }
    var writer = ByteWriter()
    stream.model.encodeSmallState(to: &writer)
    var reader = ByteReader(writer.bytes)
    var again = stream
    try again.model.decodeSmallState(from: &reader)
    for index in count..<count + 200 {
      try stream.take(Self.event(index))
      try again.take(Self.event(index))
    }
    #expect(again.model.drift == stream.model.drift)
    #expect(again.model.digest == stream.model.digest)
  }
}
