// The ttrpc frame: the only place that knows the header's layout.
//
//    0       4           8      9       10
//   +-------+-----------+------+-------+----------------------+
//   | length| stream id | type | flags | data (length bytes)  |
//   +-------+-----------+------+-------+----------------------+
//     u32be   u32be       u8     u8
//
// Source: PROTOCOL.md of containerd/ttrpc, version 1.2.

/// What a frame is; the numbers are the protocol's.
package enum FrameType {
  package static let request: UInt8 = 1
  package static let response: UInt8 = 2
  package static let data: UInt8 = 3
}

/// Flags of a frame; their meaning depends on its type.
package enum FrameFlags {
  /// The sender sends nothing more on this stream.
  package static let remoteClosed: UInt8 = 0x1
  /// On a request: data frames follow.
  package static let remoteOpen: UInt8 = 0x2
  /// On data: there is no message in it, not even an empty one.
  package static let noData: UInt8 = 0x4
}

package struct FrameHeader: Equatable {
  package static let size = 10
  /// Data of one frame: 4 MiB by the protocol.
  package static let maximumLength = 4 << 20

  package var length: UInt32
  package var streamID: UInt32
  package var type: UInt8
  package var flags: UInt8

  package init(length: UInt32, streamID: UInt32, type: UInt8, flags: UInt8 = 0) {
    self.length = length
    self.streamID = streamID
    self.type = type
    self.flags = flags
  }

  /// Reads the `size` bytes at `bytes`.
  @inline(__always)
  package init(at bytes: UnsafeRawPointer) {
    length = UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))
    streamID = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    type = bytes.load(fromByteOffset: 8, as: UInt8.self)
    flags = bytes.load(fromByteOffset: 9, as: UInt8.self)
  }

  /// Writes `size` bytes to `target`.
  @inline(__always)
  package func write(to target: UnsafeMutableRawPointer) {
    target.storeBytes(of: length.bigEndian, as: UInt32.self)
    target.storeBytes(of: streamID.bigEndian, toByteOffset: 4, as: UInt32.self)
    target.storeBytes(of: type, toByteOffset: 8, as: UInt8.self)
    target.storeBytes(of: flags, toByteOffset: 9, as: UInt8.self)
  }
}
