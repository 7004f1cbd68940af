// Which methods there are, and who answers them. Built before the server starts, never changed after.

/// Which side of a method sends a stream of messages.
public enum StreamKind: Sendable {
  /// The client streams, the server answers once.
  case client
  /// The client asks once, the server streams.
  case server
  /// Both stream, independently.
  case both
}

/// One method of one service.
package struct Method: Sendable {
  package enum Handler: Sendable {
    case unary(UnaryHandler)
    case stream(StreamKind, StreamOpener)
  }

  package let service: String
  package let name: String
  /// What the caller must be allowed to do; empty: anyone who is connected may call.
  package let permission: Permissions
  package let handler: Handler
}

/// The methods that a server will have. A value that is filled before the server is made.
package struct ServiceRegistry: Sendable {
  package private(set) var methods: [Method] = []

  package init() {}

  /// Adds a unary method. A service's method may be added once.
  package mutating func unary(
    _ service: String, _ name: String, permission: Permissions, _ handler: @escaping UnaryHandler
  ) {
    add(Method(service: service, name: name, permission: permission, handler: .unary(handler)))
  }

  /// Adds a streaming method. A service's method may be added once.
  package mutating func stream(
    _ service: String, _ name: String, _ kind: StreamKind, permission: Permissions,
    _ opener: @escaping StreamOpener
  ) {
    add(Method(service: service, name: name, permission: permission, handler: .stream(kind, opener)))
  }

  private mutating func add(_ method: Method) {
    precondition(
      !methods.contains { $0.service == method.service && $0.name == method.name },
      "\(method.service)/\(method.name) is registered twice")
    methods.append(method)
  }
}
