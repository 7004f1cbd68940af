// The child of the crash harness: appends without end, tells each acknowledgement on its standard output, and
// waits to be killed.
//
//   LogCrasher DIRECTORY SEED
//
// Each line: producer, sequence, offset. Three producers number from where the log knows them; a record's payload
// follows from producer and sequence, so that the harness can tell what was never sent.

import EventLog
import Glibc

@main
struct LogCrasher {
  static func main() throws {
    let directory = CommandLine.arguments[1]
    var random = UInt64(CommandLine.arguments[2])! &* 2 &+ 1
    func dice(_ bound: UInt64) -> UInt64 {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (random >> 33) % bound
    }

    let log = try EventLog.open(directory: directory, options: CrashScript.options)
    var next = try CrashScript.producers.map { try log.highestSequence(of: $0) + 1 }
    while true {
      let which = Int(dice(3))
      let batch = LogBatch(producer: CrashScript.producers[which])
      let first = next[which]
      let count = 1 + dice(20)
      for sequence in first..<first + count {
        try batch.add(sequence: sequence, payload: CrashScript.payload(which, sequence))
      }
      next[which] += count
      do throws(LogError) {
        try log.append(batch, durability: dice(3) == 0 ? .durable : .written) { answer in
          guard case .success(let receipt) = answer else { _exit(3) }
          var text = ""
          for index in 0..<Int(count) {
            text += "\(which) \(first + UInt64(index)) \(receipt.offset(at: index) ?? 0)\n"
          }
          // One write of less than PIPE_BUF bytes: the harness reads it whole or not at all.
          var line = text
          _ = line.withUTF8 { write(1, $0.baseAddress, $0.count) }
        }
      } catch {
        // The queue is full: the batch comes again.
        next[which] = first
        usleep(200)
      }
    }
  }
}
