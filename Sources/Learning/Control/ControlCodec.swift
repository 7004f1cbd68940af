// The bytes of control records and of the nouns in them.

package import Primitives
package import Statistics
internal import Wire

extension ControlRecord {
  package func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.write(Self.format)
    writer.write(author)
    writer.write(reason)
    command.encode(to: &writer)
    return writer.bytes
  }

  package init(decoding bytes: [UInt8]) throws(ControlRecordError) {
    var reader = ByteReader(bytes)
    do {
      let format = try reader.read(UInt8.self)
      guard format <= Self.format else { throw ControlRecordError.newerFormat(format) }
      author = try reader.read()
      reason = try reader.read()
      command = try Command(from: &reader)
    } catch let error as ControlRecordError {
      throw error
    } catch let error as ByteCodecError {
      if case .outOfBounds(what: "kind", let value, _) = error {
        throw .unknownKind(UInt8(truncatingIfNeeded: value))
      }
      throw .damaged(error)
    } catch {
      throw .damaged(.truncated(at: 0))
    }
  }
}

extension ControlRecord.Command: ByteCodable {
  /// Kinds are never reused: 14 (gate verdict) and 15 (fusion) are spoken for. Older builds wrote 13: offsets alone.
  private enum Kind: UInt8 {
    case create = 1, delete, label, unlabel, pin, serve, split, shadow, rollback, configure, pause, resume,
      admitByOffset
    case admit = 16
    case abandon
  }

  package func encode(to writer: inout ByteWriter) {
    func begin(_ kind: Kind) { writer.write(kind.rawValue) }
    switch self {
    case .create(let version, let labels, let pinned):
      begin(.create)
      writer.write(version)
      writer.write(labels) { $0.write($1) }
      writer.write(pinned)
    case .delete(let id):
      begin(.delete)
      writer.write(id)
    case .label(let name, let id):
      begin(.label)
      writer.write(name)
      writer.write(id)
    case .unlabel(let name):
      begin(.unlabel)
      writer.write(name)
    case .pin(let id, let pinned):
      begin(.pin)
      writer.write(id)
      writer.write(pinned)
    case .serve(let target):
      begin(.serve)
      writer.write(target)
    case .split(let arms, let salt):
      begin(.split)
      writer.write(arms) { $0.write($1) }
      writer.write(salt)
    case .shadow(let target):
      begin(.shadow)
      writer.writeOptional(target) { $0.write($1) }
    case .rollback(let rollback):
      begin(.rollback)
      writer.write(rollback)
    case .abandon(let offset):
      begin(.abandon)
      writer.write(offset)
    case .configure(let settings):
      begin(.configure)
      writer.write(settings) {
        $0.write($1.path)
        $0.write($1.value)
      }
    case .pause: begin(.pause)
    case .resume: begin(.resume)
    case .admit(let events):
      begin(.admit)
      writer.write(events) { $0.write($1) }
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let at = reader.position
    let value = try reader.read(UInt8.self)
    guard let kind = Kind(rawValue: value) else {
      throw .outOfBounds(what: "kind", value: UInt64(value), at: at)
    }
    switch kind {
    case .create:
      let version = try reader.read(VersionRecord.self)
      let labels = try reader.readStrings()
      self = .create(version, labels: labels, pinned: try reader.read())
    case .delete: self = .delete(try reader.read(VersionID.self))
    case .label:
      let name = try reader.read(String.self)
      self = .label(name, try reader.read(VersionID.self))
    case .unlabel: self = .unlabel(try reader.read())
    case .pin:
      let id = try reader.read(VersionID.self)
      self = .pin(id, try reader.read())
    case .serve: self = .serve(try reader.read())
    case .split:
      let arms = try reader.readArray(limit: 64) { reader throws(ByteCodecError) in
        try reader.read(SplitArm.self)
      }
      self = .split(arms, salt: try reader.read())
    case .shadow:
      self = .shadow(
        try reader.readOptional { reader throws(ByteCodecError) in try reader.read(ServingTarget.self) })
    case .rollback: self = .rollback(try reader.read())
    case .abandon: self = .abandon(try reader.read())
    case .configure:
      self = .configure(
        try reader.readArray(limit: 10_000) { reader throws(ByteCodecError) in
          let path = try reader.read(String.self)
          return Setting(path: path, value: try reader.read())
        })
    case .pause: self = .pause
    case .resume: self = .resume
    case .admitByOffset: self = .admit(try reader.readOffsets().map { AdmittedEvent(offset: $0, event: nil) })
    case .admit:
      self = .admit(
        try reader.readArray(limit: 10_000) { reader throws(ByteCodecError) in
          try reader.read(AdmittedEvent.self)
        })
    }
  }
}

extension AdmittedEvent: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(offset)
    writer.writeOptional(event) { writer, event in
      writer.write(event.bytes)
      writer.write(event.timeNanos)
      writer.write(event.producer)
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    offset = try reader.read()
    event = try reader.readOptional { reader throws(ByteCodecError) in
      let bytes = try reader.read([UInt8].self)
      let timeNanos = try reader.read(Int64.self)
      return LoggedEvent(bytes: bytes, timeNanos: timeNanos, producer: try reader.read())
    }
  }
}

extension VersionID: ByteCodable {
  package func encode(to writer: inout ByteWriter) { writer.write(number) }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    self.init(try reader.read(UInt64.self))
  }
}

extension Setting: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(path)
    writer.write(value)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    path = try reader.read()
    value = try reader.read()
  }
}

extension Author: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(uid)
    writer.write(name)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    uid = try reader.read()
    name = try reader.read()
  }
}

extension MetricValue: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(name)
    writer.write(scope.rawValue)
    writer.write(value)
    writer.write(count)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let name = try reader.read(String.self)
    let at = reader.position
    guard let scope = MetricScope(rawValue: try reader.read(String.self)) else {
      throw .outOfBounds(what: "metric scope", value: 0, at: at)
    }
    let value = try reader.read(Double.self)
    self.init(name: name, scope: scope, value: value, count: try reader.read())
  }
}

extension VersionRecord: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(id)
    writer.writeOptional(parent) { $0.write($1) }
    writer.write(offset)
    writer.write(createdNanos)
    writer.write(eventTimeNanos)
    writer.write(digest)
    writer.write(configurationHash)
    writer.write(rows)
    writer.write(fileBytes)
    writer.write(isDiff)
    writer.write(UInt8(isWithoutUser ? 2 : isImported ? 1 : 0))
    writer.write(isOfHead)
    writer.write(metrics) { $0.write($1) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    id = try reader.read(VersionID.self)
    parent = try reader.readOptional { reader throws(ByteCodecError) in try reader.read(VersionID.self) }
    offset = try reader.read()
    createdNanos = try reader.read()
    eventTimeNanos = try reader.read()
    digest = try reader.read()
    configurationHash = try reader.read()
    rows = try reader.read()
    fileBytes = try reader.read()
    isDiff = try reader.read()
    let at = reader.position
    let origin: UInt8 = try reader.read()
    guard origin <= 2 else { throw .outOfBounds(what: "origin of a version", value: UInt64(origin), at: at) }
    (isImported, isWithoutUser) = (origin == 1, origin == 2)
    isOfHead = try reader.read()
    metrics = try reader.readArray(limit: 10_000) { reader throws(ByteCodecError) in
      try reader.read(MetricValue.self)
    }
  }
}

extension ServingTarget: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    switch self {
    case .head: writer.write(UInt8(0))
    case .version(let id):
      writer.write(UInt8(1))
      writer.write(id)
    case .label(let name):
      writer.write(UInt8(2))
      writer.write(name)
    }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    let tag = try reader.read(UInt8.self)
    switch tag {
    case 0: self = .head
    case 1: self = .version(try reader.read(VersionID.self))
    case 2: self = .label(try reader.read())
    default: throw .outOfBounds(what: "serving target", value: UInt64(tag), at: reader.position - 1)
    }
  }
}

extension SplitArm: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(name)
    writer.write(target)
    writer.write(percent)
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    name = try reader.read()
    target = try reader.read()
    percent = try reader.read()
  }
}

extension EventFilter: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    for values in [sources, producers, users, items, types] { writer.write(values) { $0.write($1) } }
    writer.writeOptional(fromNanos) { $0.write($1) }
    writer.writeOptional(untilNanos) { $0.write($1) }
    writer.writeOptional(firstOffset) { $0.write($1) }
    writer.writeOptional(endOffset) { $0.write($1) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    sources = try reader.readStrings()
    producers = try reader.readStrings()
    users = try reader.readStrings()
    items = try reader.readStrings()
    types = try reader.readStrings()
    fromNanos = try reader.readOptional { reader throws(ByteCodecError) in try reader.read() }
    untilNanos = try reader.readOptional { reader throws(ByteCodecError) in try reader.read() }
    firstOffset = try reader.readOptional { reader throws(ByteCodecError) in try reader.read() }
    endOffset = try reader.readOptional { reader throws(ByteCodecError) in try reader.read() }
  }
}

extension Rollback: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(to)
    writer.write(replays)
    writer.write(exclude)
    writer.write(readmit) { $0.write($1) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    to = try reader.read(VersionID.self)
    replays = try reader.read()
    exclude = try reader.read()
    readmit = try reader.readOffsets()
  }
}
