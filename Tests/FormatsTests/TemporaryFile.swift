import Foundation
import Testing

@testable import Formats

/// A file with the given content, which goes away with the value.
final class TemporaryFile {
  let path: String

  init(_ content: String, name: String = "file.csv") throws {
    try self.path = Self.write(Data(content.utf8), name: name)
  }

  init(bytes: [UInt8], name: String) throws { try self.path = Self.write(Data(bytes), name: name) }

  private static func write(_ data: Data, name: String) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("formats-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let file = folder.appendingPathComponent(name)
    try data.write(to: file)
    return file.path
  }

  deinit {
    try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent)
  }

  func events(format: EventFormat? = nil, roles: ColumnRoles = ColumnRoles()) throws -> [RawEvent] {
    let reader = try EventReader(path: path, format: format, roles: roles)
    var events: [RawEvent] = []
    while let record = try reader.next() {
      guard case .event(let event) = record else { continue }
      events.append(event)
    }
    return events
  }

  func entities(_ kind: RawEntityChange.Kind, roles: ColumnRoles = ColumnRoles()) throws -> [RawEntityChange]
  {
    let reader = try EntityReader(path: path, kind: kind, roles: roles)
    var entities: [RawEntityChange] = []
    while let entity = try reader.next() { entities.append(entity) }
    return entities
  }

  /// The error that reading the file gives.
  func error(format: EventFormat? = nil, roles: ColumnRoles = ColumnRoles()) -> FormatError? {
    do {
      _ = try events(format: format, roles: roles)
      return nil
    } catch {
      return error as? FormatError
    }
  }
}
