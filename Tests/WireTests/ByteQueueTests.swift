import Primitives
import Testing

@testable import Wire

@Suite struct ByteQueueTests {
  @Test("a queue holds what an array would", arguments: 0..<20)
  func model(seed: UInt64) {
    let queue = ByteQueue(capacity: 16)
    var model: [UInt8] = []
    for step in 0..<500 {
      func random(_ bound: Int, _ salt: UInt64) -> Int {
        CounterRandom.index(below: bound, seed: seed &* 31 &+ salt, counter: UInt64(step))
      }
      let bytes = (0..<random(40, 1)).map { UInt8(truncatingIfNeeded: step &+ $0) }
      switch random(5, 0) {
      case 0, 1:
        bytes.withUnsafeBytes { queue.append($0) }
        model += bytes
      case 2:
        let count = random(model.count + 1, 2)
        queue.consume(count)
        model.removeFirst(count)
      case 3:
        let count = random(model.count + 1, 3)
        queue.truncate(to: count)
        model.removeLast(model.count - count)
      default:
        let start = random(model.count + 1, 4)
        let end = start + random(model.count - start + 1, 5)
        queue.replace(start..<end, with: bytes)
        model.replaceSubrange(start..<end, with: bytes)
      }
      #expect(Array(queue.bytes) == model, "seed \(seed), step \(step)")
    }
  }
}
