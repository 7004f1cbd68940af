// cowbird.v1.Health: is the daemon ready? Its state is set by whoever knows, and watchers hear of each change.

internal import CMessages
internal import Glibc
internal import Primitives
internal import Wire

/// The state of each service. Any thread may set and ask.
package final class HealthState: @unchecked Sendable {
  package enum Serving: Hashable, Sendable {
    case serving
    /// Not now, and why: "recovering", "draining".
    case notServing(reason: String)
  }

  private let lock = Lock()
  private var states: [String: Serving]
  private var watchers: [(service: String, stream: ServerStream)] = []

  /// The daemon as a whole is "" and each service has its full name.
  package init(_ states: [String: Serving]) { self.states = states }

  package subscript(service: String) -> Serving? { lock.withLock { states[service] } }

  /// Changes the state of one service and tells its watchers.
  package func set(_ service: String, _ state: Serving) {
    lock.withLock {
      guard states[service] != state else { return }
      states[service] = state
      watchers.removeAll { $0.stream.isEnded }
      for watcher in watchers where watcher.service == service { Self.send(state, on: watcher.stream) }
    }
  }

  /// Changes the state of all services.
  package func setAll(_ state: Serving) {
    for service in lock.withLock({ states.keys.sorted() }) { set(service, state) }
  }

  /// Sends the state now and at each change. Returns false for a service that is not known.
  fileprivate func watch(_ service: String, on stream: ServerStream) -> Bool {
    lock.withLock {
      guard let state = states[service] else { return false }
      Self.send(state, on: stream)
      watchers.removeAll { $0.stream.isEnded }
      watchers.append((service, stream))
      return true
    }
  }

  private static func send(_ state: Serving, on stream: ServerStream) {
    withResponse(state) { _ = stream.send($0) }
  }

  /// The message for a state, whose text lives while `body` runs.
  fileprivate static func withResponse<Result>(
    _ state: Serving, _ body: (UnsafePointer<Cowbird__V1__HealthCheckResponse>) -> Result
  ) -> Result {
    var response = Cowbird__V1__HealthCheckResponse.empty
    switch state {
    case .serving:
      response.status = COWBIRD__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING_STATUS_SERVING
      return body(&response)
    case .notServing(let reason):
      response.status = COWBIRD__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING_STATUS_NOT_SERVING
      return reason.withCString { text in
        response.reason = UnsafeMutablePointer(mutating: text)
        return body(&response)
      }
    }
  }
}

extension ServiceRegistry {
  /// Adds cowbird.v1.Health. Anyone who is connected may ask.
  package mutating func addHealth(_ health: HealthState) {
    unary("cowbird.v1.Health", "Check", permission: []) { call throws(Status) in
      let request = try call.request(Cowbird__V1__HealthCheckRequest.self)
      let service = String(cString: request.pointee.service)
      guard let state = health[service] else { throw unknownService(service) }
      HealthState.withResponse(state) { call.respond($0) }
    }
    stream("cowbird.v1.Health", "Watch", .server, permission: []) { _ in HealthWatch(health) }
  }
}

private final class HealthWatch: StreamHandler {
  private let health: HealthState

  init(_ health: HealthState) { self.health = health }

  func receive(_ message: UnsafeRawBufferPointer, on stream: ServerStream) throws(Status) {
    let request = try stream.unpack(Cowbird__V1__HealthCheckRequest.self, message)
    let service = String(cString: request.pointee.service)
    guard health.watch(service, on: stream) else { throw unknownService(service) }
  }
}

private func unknownService(_ service: String) -> Status {
  Status(.notFound, "there is no service \"\(service)\" here")
}
