import Primitives
import Testing

@testable import Learning

@Suite struct PublicationTests {
  @Test("a waiter is called once, with the first value that holds its offset")
  func waiting() {
    let publication = Publication("empty", offset: 0)
    let seen = Guarded<[String]>([])
    let first = publication.whenPublished(4) { value in seen.withLock { $0.append("4:\(value)") } }
    let second = publication.whenPublished(9) { value in seen.withLock { $0.append("9:\(value)") } }
    #expect(first != nil)
    publication.publish("three", offset: 4)
    #expect(seen.withLock { $0 } == [])
    publication.publish("five", offset: 5)
    publication.publish("six", offset: 6)
    #expect(seen.withLock { $0 } == ["4:five"])
    #expect(publication.cancel(second!))
    publication.publish("ten", offset: 10)
    #expect(publication.whenPublished(3) { value in seen.withLock { $0.append("3:\(value)") } } == nil)
    #expect(seen.withLock { $0 } == ["4:five", "3:ten"])
  }

  @Test("what a reader moves on from is released by who publishes or sweeps, never by the reader")
  func leaving() {
    final class Kept: Sendable {
      let gone: Guarded<[Int]>
      let number: Int
      init(_ number: Int, _ gone: Guarded<[Int]>) { (self.number, self.gone) = (number, gone) }
      deinit { gone.withLock { $0.append(number) } }
    }
    let gone = Guarded<[Int]>([])
    let publication = Publication(Kept(1, gone), offset: 0)
    var pins = [Pin(publication), Pin(publication)]
    publication.publish(Kept(2, gone), offset: 1)
    for index in pins.indices { _ = pins[index].value().number }
    #expect(gone.withLock { $0 } == [])
    publication.publish(Kept(3, gone), offset: 2)
    #expect(gone.withLock { $0 } == [1])
    _ = pins[0].value().number
    publication.sweep()
    #expect(gone.withLock { $0 } == [1])
    _ = pins[1].value().number
    #expect(gone.withLock { $0 } == [1])
    publication.sweep()
    #expect(gone.withLock { $0 } == [1, 2])
  }

  @Test("a pin follows the newest value")
  func pinning() {
    let publication = Publication(1, offset: 0)
    var pin = Pin(publication)
    #expect(pin.value() == 1)
    publication.publish(2, offset: 1)
    #expect(pin.value() == 2)
  }
}
