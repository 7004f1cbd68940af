// Whole frames, packed straight into the bytes that will be sent.
//
//   ttrpc.Response = { 1: Status { 1: code int32, 2: message string }, 2: payload bytes }

internal import Glibc
package import Wire

extension ByteQueue {
  /// A response that went well: `fill` writes exactly `payloadSize` bytes.
  @inline(__always)
  package func appendResponse(
    streamID: UInt32, payloadSize: Int, fill: (UnsafeMutableRawPointer) -> Void
  ) {
    guard payloadSize > 0 else {
      FrameHeader(length: 0, streamID: streamID, type: FrameType.response).write(
        to: extend(by: FrameHeader.size))
      return
    }
    let prefix = 1 + Varint.size(UInt64(payloadSize))
    let target = extend(by: FrameHeader.size + prefix + payloadSize)
    FrameHeader(
      length: UInt32(prefix + payloadSize), streamID: streamID, type: FrameType.response
    ).write(to: target)
    target.storeBytes(of: 0x12, toByteOffset: FrameHeader.size, as: UInt8.self)
    Varint.write(UInt64(payloadSize), to: target + FrameHeader.size + 1)
    fill(target + FrameHeader.size + prefix)
  }

  /// A response that says what went wrong.
  package func appendResponse(streamID: UInt32, status: Status) {
    let frame = Self.statusFrame(streamID: streamID, status: status)
    frame.withUnsafeBytes { append($0) }
  }

  /// A data frame with one message: `fill` writes exactly `size` bytes.
  @inline(__always)
  package func appendData(
    streamID: UInt32, size: Int, flags: UInt8 = 0, fill: (UnsafeMutableRawPointer) -> Void
  ) {
    let target = extend(by: FrameHeader.size + size)
    FrameHeader(length: UInt32(size), streamID: streamID, type: FrameType.data, flags: flags).write(
      to: target)
    fill(target + FrameHeader.size)
  }

  /// The frame that ends a stream of answers.
  package func appendEnd(streamID: UInt32) {
    FrameHeader(
      length: 0, streamID: streamID, type: FrameType.data,
      flags: FrameFlags.remoteClosed | FrameFlags.noData
    ).write(to: extend(by: FrameHeader.size))
  }

  /// A whole response frame that carries a status. Its text is cut at 4 KiB.
  package static func statusFrame(streamID: UInt32, status: Status) -> [UInt8] {
    var text = Array(status.message.utf8)
    if text.count > 4096 {
      text = Array(String(decoding: text.prefix(4096), as: UTF8.self).utf8)
    }
    var inner: [UInt8] = [0x08]
    Varint.append(UInt64(bitPattern: Int64(status.code.rawValue)), to: &inner)
    if !text.isEmpty {
      inner.append(0x12)
      Varint.append(UInt64(text.count), to: &inner)
      inner += text
    }
    var data: [UInt8] = [0x0A]
    Varint.append(UInt64(inner.count), to: &data)
    data += inner
    var frame = [UInt8](repeating: 0, count: FrameHeader.size)
    frame.withUnsafeMutableBytes {
      FrameHeader(length: UInt32(data.count), streamID: streamID, type: FrameType.response).write(
        to: $0.baseAddress!)
    }
    return frame + data
  }
}
