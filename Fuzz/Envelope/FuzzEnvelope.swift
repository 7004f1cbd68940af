// Bytes as an envelope, and its payload as every message of the contract that a stranger may send: nothing is
// read past its end, nothing is refused with another code than INVALID_ARGUMENT or RESOURCE_EXHAUSTED, and
// what was read can be packed and read again as the same bytes.

internal import CMessages
internal import Glibc
internal import Wire

private nonisolated(unsafe) let arena = MessageArena(capacity: 64 << 10, limit: 4 << 20)

/// Reads `payload` as an `M`, packs it, reads that, and packs again: the second packing equals the first.
private func roundTrip<M: WireMessage>(_: M.Type, _ payload: UnsafeRawBufferPointer) {
  arena.reset()
  do throws(Status) {
    let first = Wire.bytes(try Wire.unpack(M.self, from: payload, in: arena))
    let second = try Wire.withMessage(M.self, from: first) { Wire.bytes($0) }
    precondition(first == second, "\(M.descriptor.name) changes when it is packed")
  } catch {
    precondition(
      error.code == .invalidArgument || error.code == .resourceExhausted, "\(M.descriptor.name): \(error)")
  }
}

/// One input.
private func check(_ bytes: UnsafeRawBufferPointer) {
  var payload = bytes
  do throws(Status) {
    let envelope = try RequestEnvelope(bytes)
    precondition(envelope.metadata().count == envelope.metadataCount)
    for part in [envelope.service, envelope.method, envelope.payload] where part.count > 0 {
      precondition(
        part.baseAddress! >= bytes.baseAddress!
          && part.baseAddress! + part.count <= bytes.baseAddress! + bytes.count)
    }
    if envelope.payload.count > 0 { payload = envelope.payload }
  } catch {
    precondition(error.code == .invalidArgument)
  }
  _ = try? ResponseEnvelope(bytes)
  roundTrip(Cowbird__V1__EchoRequest.self, payload)
  roundTrip(Cowbird__V1__HealthCheckRequest.self, payload)
  roundTrip(Cowbird__V1__AppendRequest.self, payload)
  roundTrip(Cowbird__V1__StreamRequest.self, payload)
  roundTrip(Cowbird__V1__ScoreRequest.self, payload)
  roundTrip(Cowbird__V1__RecommendRequest.self, payload)
}

#if FUZZER
  @_cdecl("LLVMFuzzerTestOneInput")
  public func fuzzOne(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    check(UnsafeRawBufferPointer(start: bytes, count: count))
    return 0
  }
#else
  /// Without libFuzzer: the files named are checked once.
  @main
  struct FuzzEnvelope {
    static func main() {
      for path in CommandLine.arguments.dropFirst() {
        let descriptor = open(path, O_RDONLY)
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = max(0, read(descriptor, &bytes, bytes.count))
        close(descriptor)
        bytes[..<count].withUnsafeBytes { check($0) }
        print("\(path): \(count) bytes checked")
      }
    }
  }
#endif
