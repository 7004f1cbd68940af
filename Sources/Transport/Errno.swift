// The system's own words for an error number.

internal import CSystem

func errnoText(_ number: Int32) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
    cowbird_errno_text(number, buffer.baseAddress!, buffer.count)
    return String(cString: buffer.baseAddress!)
  }
}
