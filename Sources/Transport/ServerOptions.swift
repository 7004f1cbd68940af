// The transport's limits: each with a default that is right for most, and a range.

package import Wire

package struct ServerOptions: Hashable, Sendable {
  /// Threads that serve connections. Default: the machine's cores, at most 4. 1 to 64.
  package var reactors: Int
  /// Connections held at once; one more is answered RESOURCE_EXHAUSTED and closed. 1 to 1,000,000.
  package var maximumConnections = 20_000
  /// Calls and streams in flight on one connection; one more is answered RESOURCE_EXHAUSTED. 1 to 1,000,000.
  package var maximumStreamsPerConnection = 1_024
  /// Data bytes of one frame, at most; the protocol's own bound is the default. 1 KiB to 4 MiB.
  package var maximumFrameLength = FrameHeader.maximumLength
  /// Answers not sent yet, in bytes, at which a connection is no longer read from, and streams are asked to
  /// wait. 4 KiB to 1 GiB.
  package var maximumUnsentBytes = 1 << 20
  /// Bytes of requests whose answer is deferred, at which a connection is no longer read from. 4 KiB to 1 GiB.
  package var maximumDeferredBytes = 16 << 20
  /// A peer that takes no byte of its answers for this long is closed. 1 ms to 1 day.
  package var writeTimeoutNanos: UInt64 = 30_000_000_000
  /// A frame must be complete this long after its first byte. 1 ms to 1 day.
  package var frameTimeoutNanos: UInt64 = 30_000_000_000
  /// A connection on which nothing is in flight and nothing came is closed after this time. 1 ms to 30 days.
  package var idleTimeoutNanos: UInt64 = 86_400_000_000_000
  /// Calls of one connection served before the others' turn. 1 to 65,536.
  package var callsPerTurn = 64
  /// Time one connection may take before the others' turn. 1 us to 1 s.
  package var turnNanos: UInt64 = 500_000
  /// Time a reactor looks for work without sleeping after the last: wakes faster, takes CPU. 0 (never) to 1 s.
  package var busyPollNanos: UInt64 = 0
  /// Bytes read at once. 4 KiB to 4 MiB.
  package var readSize = 64 << 10
  /// How long `drain` waits for calls in flight. 0 to 1 hour.
  package var drainTimeoutNanos: UInt64 = 10_000_000_000

  package init(reactors: Int = 1) { self.reactors = reactors }

  /// Throws INVALID_ARGUMENT that names the option, its value and its range.
  package func validate() throws(Status) {
    try Self.check("reactors", reactors, 1...64)
    try Self.check("maximumConnections", maximumConnections, 1...1_000_000)
    try Self.check("maximumStreamsPerConnection", maximumStreamsPerConnection, 1...1_000_000)
    try Self.check("maximumFrameLength", maximumFrameLength, 1024...FrameHeader.maximumLength)
    try Self.check("maximumUnsentBytes", maximumUnsentBytes, 4096...1 << 30)
    try Self.check("maximumDeferredBytes", maximumDeferredBytes, 4096...1 << 30)
    try Self.check("writeTimeoutNanos", writeTimeoutNanos, 1_000_000...86_400_000_000_000)
    try Self.check("frameTimeoutNanos", frameTimeoutNanos, 1_000_000...86_400_000_000_000)
    try Self.check("idleTimeoutNanos", idleTimeoutNanos, 1_000_000...2_592_000_000_000_000)
    try Self.check("callsPerTurn", callsPerTurn, 1...65_536)
    try Self.check("turnNanos", turnNanos, 1_000...1_000_000_000)
    try Self.check("busyPollNanos", busyPollNanos, 0...1_000_000_000)
    try Self.check("readSize", readSize, 4096...4 << 20)
    try Self.check("drainTimeoutNanos", drainTimeoutNanos, 0...3_600_000_000_000)
  }

  private static func check<T: BinaryInteger>(
    _ name: String, _ value: T, _ range: ClosedRange<T>
  ) throws(Status) {
    guard range.contains(value) else {
      throw Status(
        .invalidArgument, "\(name) is \(value); it must be \(range.lowerBound) to \(range.upperBound)")
    }
  }
}
