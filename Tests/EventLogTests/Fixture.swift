// What the log's tests share: a temporary directory, batches, and reading everything back.

import Glibc
import Testing

@testable import EventLog

/// A directory that goes with the value.
final class Scratch {
  let path: String

  init() {
    var template = Array("/tmp/cowbird-log-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
  }

  deinit { remove(path) }

  private func remove(_ path: String) {
    for name in (try? PosixFileSystem().list(path)) ?? [] {
      if unlink(path + "/" + name) != 0 { remove(path + "/" + name) }
    }
    rmdir(path)
  }
}

/// A record as a test knows it.
struct Seen: Equatable {
  var offset: UInt64
  var timeNanos: Int64
  var kind: UInt8
  var sequence: UInt64
  var producer: String
  var payload: [UInt8]

  init(_ record: LogRecord) {
    offset = record.offset
    timeNanos = record.timeNanos
    kind = record.kind
    sequence = record.sequence
    producer = String(decoding: record.producer, as: UTF8.self)
    payload = Array(record.payload)
  }

  var text: String { String(decoding: payload, as: UTF8.self) }
}

extension EventLog {
  func all(_ durability: Durability = .written, from offset: UInt64? = nil) throws -> [Seen] {
    let reader = reader(from: offset ?? firstOffset, durability: durability)
    var seen: [Seen] = []
    while let batch = try reader.next() { seen.append(contentsOf: batch.map { Seen($0) }) }
    return seen
  }

  @discardableResult
  func add(
    _ payloads: [String], producer: String = "", firstSequence: UInt64 = 0, ids: [String] = [],
    durability: Durability = .durable
  ) throws -> AppendReceipt {
    let batch = LogBatch(producer: producer)
    for (index, payload) in payloads.enumerated() {
      try batch.add(
        timeNanos: 1, sequence: firstSequence == 0 ? 0 : firstSequence + UInt64(index),
        eventID: index < ids.count ? ids[index] : "", payload: Array(payload.utf8))
    }
    return try append(batch, durability: durability)
  }
}

func smallSegments() -> LogOptions {
  var options = LogOptions()
  options.segmentBytes = 64 << 10
  options.eventIDWindow = 100
  options.checkpointEveryBytes = 128 << 10
  return options
}
