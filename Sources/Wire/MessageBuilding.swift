// Answers are protobuf-c structs, whose strings and lists are pointers. This is where those come from: an arena
// that lives as long as the answer is being packed.

package import CMessages

extension MessageArena {
  /// A C string. Text with a zero byte ends there.
  package func text(_ value: String) -> UnsafeMutablePointer<CChar> {
    var value = value
    return value.withUTF8 { utf8 in
      let memory = reserve(utf8.count + 1)
      if let base = utf8.baseAddress { memory.copyMemory(from: base, byteCount: utf8.count) }
      memory.storeBytes(of: 0, toByteOffset: utf8.count, as: UInt8.self)
      return memory.assumingMemoryBound(to: CChar.self)
    }
  }

  /// A message of its own.
  package func message<M: WireMessage>(_ value: M) -> UnsafeMutablePointer<M> {
    let memory = reserve(MemoryLayout<M>.stride).bindMemory(to: M.self, capacity: 1)
    memory.initialize(to: value)
    return memory
  }

  /// A repeated message: its count and the pointers to its elements.
  package func messages<M: WireMessage>(
    _ values: [M]
  ) -> (Int, UnsafeMutablePointer<UnsafeMutablePointer<M>?>?) {
    (values.count, array(values.map { message($0) }))
  }

  /// A repeated string.
  package func texts(_ values: [String]) -> (Int, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) {
    (values.count, array(values.map { text($0) }))
  }

  /// A field of bytes.
  package func bytes(_ value: [UInt8]) -> ProtobufCBinaryData {
    ProtobufCBinaryData(len: value.count, data: array(value))
  }

  /// The elements of a repeated number, or pointers; nil for none.
  package func array<Element>(_ values: [Element]) -> UnsafeMutablePointer<Element>? {
    guard !values.isEmpty else { return nil }
    let memory = reserve(MemoryLayout<Element>.stride * values.count)
      .bindMemory(to: Element.self, capacity: values.count)
    memory.initialize(from: values, count: values.count)
    return memory
  }

  private func reserve(_ size: Int) -> UnsafeMutableRawPointer {
    guard let memory = allocate(size) else { fatalError("an answer needs more memory than an arena gives") }
    return memory
  }
}
