// The envelope of a ttrpc response, read in place.
//
//   1: status { 1: code int32, 2: message string }     2: payload bytes

/// A response as it came, without copies. Valid as long as the frame's bytes are.
package struct ResponseEnvelope {
  /// Nil when the call went well.
  package private(set) var status: Status?
  package private(set) var payload = UnsafeRawBufferPointer(start: nil, count: 0)

  package init(_ bytes: UnsafeRawBufferPointer) throws(Status) {
    do throws(WireFault) {
      var reader = ProtoReader(bytes)
      while !reader.isAtEnd {
        let (field, type) = try reader.tag()
        switch (field, type) {
        case (1, .lengthDelimited): status = try Self.status(try reader.lengthDelimited())
        case (2, .lengthDelimited): payload = try reader.lengthDelimited()
        default: try reader.skip(type)
        }
      }
    } catch {
      throw Status(.internal, "ttrpc.Response \(error.reason)")
    }
  }

  private static func status(_ bytes: UnsafeRawBufferPointer) throws(WireFault) -> Status? {
    var reader = ProtoReader(bytes)
    var code: Int32 = 0
    var message = ""
    while !reader.isAtEnd {
      let (field, type) = try reader.tag()
      switch (field, type) {
      case (1, .varint): code = Int32(truncatingIfNeeded: try reader.varint())
      case (2, .lengthDelimited): message = String(decoding: try reader.lengthDelimited(), as: UTF8.self)
      default: try reader.skip(type)
      }
    }
    return code == 0 ? nil : Status(Status.Code(rawValue: code), message)
  }
}
