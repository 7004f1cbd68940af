// From bytes to a protobuf-c message and back, typed: `let request = try Wire.unpack(EchoRequest.self, ...)`.

package import CMessages

/// A message struct that protoc-c made. Its first member is a `ProtobufCMessage`, which names its descriptor;
/// all the functions here lean on that.
package protocol WireMessage {
  /// What protobuf-c knows of the message: its name and its fields.
  static var descriptor: MessageDescriptor { get }

  /// A message with every field at its default. (The struct's own `init()` is all zeros: protobuf-c cannot
  /// pack that.)
  static var empty: Self { get }
}

/// A protobuf-c descriptor: constant data of the program, so any thread may read it.
package struct MessageDescriptor: @unchecked Sendable {
  package let pointer: UnsafePointer<ProtobufCMessageDescriptor>

  package init(_ pointer: UnsafePointer<ProtobufCMessageDescriptor>) { self.pointer = pointer }

  /// The name in full, such as "cowbird.v1.EchoRequest".
  package var name: String { String(cString: pointer.pointee.name) }
}

extension WireMessage {
  /// The descriptor, asked of the function that initialises a message.
  package static func descriptorOf(_ initialise: (UnsafeMutablePointer<Self>) -> Void) -> MessageDescriptor {
    withUnsafeTemporaryAllocation(of: Self.self, capacity: 1) { storage in
      let message = storage.baseAddress!
      initialise(message)
      return UnsafeRawPointer(message).withMemoryRebound(to: ProtobufCMessage.self, capacity: 1) {
        MessageDescriptor($0.pointee.descriptor)
      }
    }
  }

  /// A message that `initialise` has filled. Inlined where the type is known: nothing generic is left.
  @inlinable @inline(__always)
  package static func initialised(_ initialise: (UnsafeMutablePointer<Self>) -> Void) -> Self {
    withUnsafeTemporaryAllocation(of: Self.self, capacity: 1) { storage in
      initialise(storage.baseAddress!)
      return storage.baseAddress!.move()
    }
  }
}

package enum Wire {
  /// Decodes `bytes` as an `M`, whose parts live in `arena` until it is reset.
  ///
  /// Throws INVALID_ARGUMENT, naming the message and what is wrong with it.
  @inlinable @inline(__always)
  package static func unpack<M: WireMessage>(
    _: M.Type = M.self, from bytes: UnsafeRawBufferPointer, in arena: MessageArena
  ) throws(Status) -> UnsafeMutablePointer<M> {
    try unpack(M.descriptor, from: bytes, in: arena).assumingMemoryBound(to: M.self)
  }

  /// Decodes `bytes` as the message that `descriptor` describes.
  package static func unpack(
    _ descriptor: MessageDescriptor, from bytes: UnsafeRawBufferPointer, in arena: MessageArena
  ) throws(Status) -> UnsafeMutableRawPointer {
    try MessageCheck.check(bytes, as: descriptor)
    let message = protobuf_c_message_unpack(
      descriptor.pointer, arena.protobufAllocator, bytes.count,
      bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    guard let message else {
      throw arena.overflowed
        ? Status(.resourceExhausted, "\(descriptor.name) is too large in memory: send fewer parts at once")
        : Status(.invalidArgument, "\(descriptor.name) cannot be decoded")
    }
    return UnsafeMutableRawPointer(message)
  }

  /// Decodes `bytes` as an `M` for the time that `body` runs.
  package static func withMessage<M: WireMessage, Result>(
    _: M.Type, from bytes: [UInt8], _ body: (UnsafePointer<M>) throws(Status) -> Result
  ) throws(Status) -> Result {
    let arena = MessageArena(capacity: 4096 + bytes.count)
    // The closure's own error type is lost on its way through the standard library.
    let outcome = bytes.withUnsafeBytes { bytes -> Swift.Result<Result, Status> in
      do throws(Status) {
        return .success(try body(try unpack(M.self, from: bytes, in: arena)))
      } catch {
        return .failure(error)
      }
    }
    return try outcome.get()
  }

  /// Bytes that the message takes on the wire. Complexity: O(fields).
  @inline(__always)
  package static func packedSize<M: WireMessage>(_ message: UnsafePointer<M>) -> Int {
    protobuf_c_message_get_packed_size(
      UnsafeRawPointer(message).assumingMemoryBound(to: ProtobufCMessage.self))
  }

  /// Writes the message to `target`, which has room for `packedSize` bytes. Returns how many it wrote.
  @inline(__always) @discardableResult
  package static func pack<M: WireMessage>(
    _ message: UnsafePointer<M>, to target: UnsafeMutableRawPointer
  ) -> Int {
    protobuf_c_message_pack(
      UnsafeRawPointer(message).assumingMemoryBound(to: ProtobufCMessage.self),
      target.assumingMemoryBound(to: UInt8.self))
  }

  /// The message as an array of its own.
  package static func bytes<M: WireMessage>(_ message: UnsafePointer<M>) -> [UInt8] {
    let size = packedSize(message)
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      count = size == 0 ? 0 : pack(message, to: UnsafeMutableRawPointer(buffer.baseAddress!))
    }
  }
}

extension ProtobufCBinaryData {
  /// The bytes, in place.
  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: data, count: len) }

  /// Points at bytes that somebody else owns, to be packed.
  package init(borrowing bytes: UnsafeRawBufferPointer) {
    self.init(
      len: bytes.count,
      data: UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)))
  }
}
