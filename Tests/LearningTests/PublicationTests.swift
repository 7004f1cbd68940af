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

  @Test("a pin follows the newest value")
  func pinning() {
    let publication = Publication(1, offset: 0)
    var pin = Pin(publication)
    #expect(pin.value() == 1)
    publication.publish(2, offset: 1)
    #expect(pin.value() == 2)
  }
}
