// A call that learns a stretch of the log on a thread of its own: it says how far it is, five times a second, and ends
// when its caller goes.

internal import Learning
internal import Transport
internal import Wire

protocol ReplayStream: StreamHandler {
  var context: ServiceContext { get }
  var progress: ReplayProgress { get }
  /// Says how far it is.
  func report(_ values: ReplayProgress.Values, on stream: ServerStream)
}

extension ReplayStream {
  private var everyNanos: UInt64 { 200_000_000 }

  /// Has the work done; the stream ends with it, and fails with what it throws.
  func perform(on stream: ServerStream, _ body: @escaping @Sendable () throws(Status) -> Void) {
    let (context, progress) = (context, progress)
    context.addRun(progress)
    context.longWorkers.perform {
      defer { context.removeRun(progress) }
      do throws(Status) {
        try body()
        stream.finish()
      } catch {
        stream.fail(error)
      }
    }
    stream.wake(after: everyNanos)
  }

  func woken(_ stream: ServerStream) throws(Status) {
    guard !stream.isEnded else { return }
    report(progress.current, on: stream)
    stream.wake(after: everyNanos)
  }

  func ended(_ stream: ServerStream, _ reason: Status) { progress.cancel() }

  func drain(_ stream: ServerStream) {
    progress.cancel()
    stream.fail(Status(.unavailable, "the server is stopping; give the command again"))
  }
}
