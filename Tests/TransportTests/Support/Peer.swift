// A peer made of bytes: it knows frames, and sends whatever a test wants, in whatever pieces.

import CSystem
import Glibc
import Wire

@testable import Transport

struct Frame: Equatable, CustomStringConvertible {
  var streamID: UInt32
  var type: UInt8
  var flags: UInt8
  var data: [UInt8]

  init(_ streamID: UInt32, type: UInt8, flags: UInt8 = 0, _ data: [UInt8] = []) {
    self.streamID = streamID
    self.type = type
    self.flags = flags
    self.data = data
  }

  /// A call of Echo's unary method.
  static func request(_ streamID: UInt32, timeout: UInt64? = nil, _ payload: [UInt8]) -> Frame {
    request(streamID, "cowbird.v1.Echo", "Unary", timeout: timeout, payload)
  }

  /// A request frame.
  static func request(
    _ streamID: UInt32, _ service: String = "cowbird.v1.Echo", _ method: String = "Unary",
    flags: UInt8 = 0, timeout: UInt64? = nil, _ payload: [UInt8] = []
  ) -> Frame {
    let head = RequestHead(service: service, method: method, timeoutNanos: timeout, metadata: [])
    let data = [UInt8](unsafeUninitializedCapacity: head.size(payload: payload.count)) { buffer, count in
      head.write(payload: payload, to: UnsafeMutableRawPointer(buffer.baseAddress!))
      count = buffer.count
    }
    return Frame(streamID, type: FrameType.request, flags: flags, data)
  }

  static func data(_ streamID: UInt32, flags: UInt8 = 0, _ data: [UInt8] = []) -> Frame {
    Frame(streamID, type: FrameType.data, flags: flags, data)
  }

  var bytes: [UInt8] { header(length: UInt32(data.count)) + data }

  /// The header with a length of one's own.
  func header(length: UInt32) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: FrameHeader.size) { buffer, count in
      FrameHeader(length: length, streamID: streamID, type: type, flags: flags).write(
        to: UnsafeMutableRawPointer(buffer.baseAddress!))
      count = FrameHeader.size
    }
  }

  /// The status of a response; nil when the call went well.
  var status: Status? {
    guard type == FrameType.response else { return nil }
    return data.withUnsafeBytes { try? ResponseEnvelope($0).status }
  }

  /// The payload of a response, or the data of a data frame.
  var payload: [UInt8] {
    guard type == FrameType.response else { return data }
    return data.withUnsafeBytes { bytes in (try? ResponseEnvelope(bytes)).map { Array($0.payload) } ?? [] }
  }

  var description: String {
    "stream \(streamID) type \(type) flags \(flags) \(status?.description ?? "\(data)")"
  }
}

/// EchoRequest and EchoResponse, by hand.
enum Echo {
  static func request(
    _ payload: String = "", number: UInt64 = 0, repeat count: UInt64 = 0, delayNanos: UInt64 = 0,
    failCode: UInt64 = 0
  ) -> [UInt8] {
    request(Array(payload.utf8), number: number, repeat: count, delayNanos: delayNanos, failCode: failCode)
  }

  static func request(
    _ payload: [UInt8], number: UInt64 = 0, repeat count: UInt64 = 0, delayNanos: UInt64 = 0,
    failCode: UInt64 = 0
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    if !payload.isEmpty {
      bytes.append(0x0A)
      Varint.append(UInt64(payload.count), to: &bytes)
      bytes += payload
    }
    for (tag, value) in [(0x10, number), (0x18, count), (0x20, delayNanos), (0x28, failCode)]
      as [(UInt8, UInt64)]
    where value != 0 {
      bytes.append(tag)
      Varint.append(value, to: &bytes)
    }
    return bytes
  }

  static func payload(_ response: [UInt8]) -> [UInt8]? { read(response)?.payload }
  static func number(_ response: [UInt8]) -> UInt64? { read(response)?.number }

  private static func read(_ response: [UInt8]) -> (payload: [UInt8], number: UInt64)? {
    response.withUnsafeBytes { bytes in
      var reader = ProtoReader(bytes)
      var result: (payload: [UInt8], number: UInt64) = ([], 0)
      while !reader.isAtEnd {
        guard let tag = try? reader.tag() else { return nil }
        if tag.field == 1, let payload = try? reader.lengthDelimited() {
          result.payload = Array(payload)
        } else if tag.field == 2, let number = try? reader.varint() {
          result.number = number
        } else {
          return nil
        }
      }
      return result
    }
  }
}

final class Peer {
  struct Ended: Error {}
  struct TimedOut: Error {}

  let descriptor: Int32
  private var buffer: [UInt8] = []

  init(_ path: String) throws {
    descriptor = cowbird_unix_socket(0)
    let outcome = cowbird_unix_connect(descriptor, path)
    guard outcome >= 0 else { throw Status(.unavailable, "connect: \(-outcome)") }
  }

  deinit { close(descriptor) }

  /// Sends all; false when the server has closed.
  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }

  @discardableResult
  func send(_ frames: Frame...) -> Bool { send(frames.flatMap(\.bytes)) }

  /// Sends what the socket takes at once; how much that was.
  func sendSome(_ bytes: [UInt8]) -> Int {
    max(0, bytes.withUnsafeBytes { cowbird_send(descriptor, $0.baseAddress!, $0.count) })
  }

  func closeSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// The next frame. Throws `Ended` at the end of the connection, `TimedOut` after ten seconds.
  func receive(withinMilliseconds limit: Int64 = 10_000) throws -> Frame {
    while true {
      if buffer.count >= FrameHeader.size {
        let header = buffer.withUnsafeBytes { FrameHeader(at: $0.baseAddress!) }
        let end = FrameHeader.size + Int(header.length)
        if buffer.count >= end {
          defer { buffer.removeFirst(end) }
          return Frame(
            header.streamID, type: header.type, flags: header.flags, Array(buffer[FrameHeader.size..<end]))
        }
      }
      guard cowbird_poll(descriptor, Int16(POLLIN), limit * 1_000_000) == 1 else { throw TimedOut() }
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      let count = chunk.withUnsafeMutableBytes { cowbird_receive(descriptor, $0.baseAddress!, $0.count) }
      guard count > 0 else { throw Ended() }
      buffer += chunk[..<count]
    }
  }

  /// Sends one frame and waits for the next one that comes.
  func ask(_ frame: Frame) throws -> Frame {
    send(frame)
    return try receive()
  }

  /// True when the server closes within ten seconds, whatever it sends before.
  func sawEnd() -> Bool {
    while true {
      do {
        _ = try receive()
      } catch is Ended {
        return true
      } catch {
        return false
      }
    }
  }
}
