// Changes of users and items: attributes set or merged, an item that leaves, a user who is forgotten.

internal import Configuration
internal import Primitives
internal import Tables
package import Wire

extension FeatureState {
  /// Applies an entity change.
  /// - Returns: how many numbers and vectors were left out, because they are not finite or too large.
  @discardableResult
  package mutating func update(entity event: EventView, timeNanos: Int64) -> Int {
    guard event.kind == .entity, !event.entityID.isEmpty else { return 0 }
    let group = event.entityKind == .user ? 0 : 1
    let key = group == 0 ? plan.userKey(event.entityID) : plan.itemKey(event.entityID)
    guard key != 0 else { return 0 }
    let seconds = Numerics.tableSeconds(timeNanos)
    switch event.action {
    case .set, .merge: return setAttributes(event, group, key, seconds)
    case .delete: group == 0 ? forgetUser(key) : removeItem(key, seconds)
    case .unspecified: break
    }
    return 0
  }

  private mutating func setAttributes(
    _ event: EventView, _ group: Int, _ key: UInt64, _ seconds: UInt32
  ) -> Int {
    let entity = group == 0 ? plan.user : plan.item
    let buffer = ContextBuffer(entity.attributes, plan.categories)
    var raw: [[UInt8]] = []
    if event.action == .merge {
      (group == 0 ? userRecords : itemRecords).withBytes(key) { record in
        if let record { raw = EntityRecord.raw(record).map { Array($0.bytes) } }
      }
    }
    for attribute in event.attributes.encodings {
      guard let view = try? AttributeView(attribute), buffer.place(of: view.name) != nil else {
        counters.unknownAttributes += 1
        continue
      }
      let place = raw.firstIndex { Self.name(of: $0) == Array(view.name.bytes) }
      if let place { raw[place] = Array(attribute.bytes) } else { raw.append(Array(attribute.bytes)) }
    }
    // Those of before, which a merge keeps, were told when they came.
    let given = ContextBuffer(entity.attributes, plan.categories)
    for attribute in event.attributes { given.add(attribute) }
    for attribute in raw {
      attribute.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        if let view = try? AttributeView(ByteView(base: base, count: bytes.count)) { buffer.add(view) }
      }
    }
    counters.mistypedAttributes &+= UInt64(buffer.mistyped)
    let record = EntityRecord.encode(buffer, raw: raw)
    guard record.count <= EntityRecord.maximumBytes else {
      counters.oversizedRecords += 1
      return given.unsound
    }
    store(record, buffer, entity, group, key, seconds)
    let ordinal = plan.ids.withNormalized(event.entityID.bytes) { id in
      group == 0 ? users.intern(id, now: seconds) : items.intern(id, now: seconds)
    }
    setOrdinal(group, key, ordinal)
    return given.unsound
  }

  private static func name(of attribute: [UInt8]) -> [UInt8] {
    attribute.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress,
        let view = try? AttributeView(ByteView(base: base, count: bytes.count))
      else { return [] }
      return Array(view.name.bytes)
    }
  }

  private mutating func store(
    _ record: [UInt8], _ buffer: ContextBuffer, _ entity: EntityPlan, _ group: Int, _ key: UInt64,
    _ seconds: UInt32
  ) {
    groups[group].prepare(now: seconds, room: 1)
    let isStored = groups[group].withWriter { writer in
      guard let id = writer.findOrInsert(key) else { return false }
      let row = writer.weights(id)
      row.set(1, row.word32(1) & ~EntityRow.isDeleted | EntityRow.hasRecord)
      for word in 0..<(entity.attributes.count + 31) / 32 {
        row.set(Int32(EntityRow.presence + word), 0 as UInt32)
      }
      for (place, attribute) in entity.attributes.enumerated() where attribute.column >= 0 {
        let isNumber = attribute.type == .number
        let isPresent = isNumber ? !buffer.view.number[place].isNaN : buffer.view.count[place] > 0
        if isNumber {
          row[Int(attribute.column)] = isPresent ? buffer.view.number[place] : 0
        } else {
          row.set(attribute.column, isPresent ? buffer.view.hashes[Int(buffer.view.start[place])] : 0)
        }
        if isPresent {
          let word = Int32(EntityRow.presence + place >> 5)
          row.set(word, row.word32(word) | 1 << UInt32(place & 31))
        }
      }
      return true
    }
    guard isStored else { return }
    if group == 0 {
      userRecords.set(key, record, now: seconds)
    } else {
      itemRecords.set(key, record, now: seconds)
    }
  }

  /// The item is in no catalogue and has no attributes any more; what was learned of it stays, for histories.
  private mutating func removeItem(_ key: UInt64, _ seconds: UInt32) {
    guard let row = groups[1].withReader({ $0.find(key) }) else { return }
    if let ordinal = EntityRow.ordinal(row) { items.remove(ordinal) }
    itemRecords.remove(key)
    clearEntity(1, key, generations: 0, keepStatistics: true)
  }

  /// State, attributes, history and name are wiped. What stays is a tombstone: the hash of the id and how often it
  /// was forgotten, which changes the id's hash in every feature, so that neither weights nor counters of pairs
  /// that were learned before can be reached by it again. (Those rows are emptied by eviction, or at once by a
  /// replay that skips the user.)
  private mutating func forgetUser(_ key: UInt64) {
    guard let row = groups[0].withReader({ $0.find(key) }) else { return }
    if let ordinal = EntityRow.ordinal(row) { users.remove(ordinal) }
    userRecords.remove(key)
    for index in histories.indices { histories[index].remove(key) }
    clearEntity(0, key, generations: 1, keepStatistics: false)
  }

  private mutating func clearEntity(_ group: Int, _ key: UInt64, generations: UInt32, keepStatistics: Bool) {
    let words = plan.groups[group].words
    let fixed = group == 0 ? plan.user.words : plan.item.words
    groups[group].withWriter { writer in
      guard let id = writer.find(key) else { return }
      let row = writer.weights(id)
      let generation = row.word32(1) >> EntityRow.generationShift &+ generations
      row.update(repeating: 0, count: keepStatistics ? fixed : words)
      row.set(1, generation << EntityRow.generationShift | EntityRow.isDeleted)
    }
  }

  // MARK: Reading

  /// The attributes of an item or a user as they were given, for filters and people; nil: not known.
  package func withAttributes<Result>(
    ofItem key: UInt64, _ body: ([ByteView]) throws -> Result
  ) rethrows -> Result? {
    try itemRecords.withBytes(key) { try $0.map { try body(EntityRecord.raw($0)) } }
  }

  package func withAttributes<Result>(
    ofUser key: UInt64, _ body: ([ByteView]) throws -> Result
  ) rethrows -> Result? {
    try userRecords.withBytes(key) { try $0.map { try body(EntityRecord.raw($0)) } }
  }

  /// The items in a user's histories.
  package func seenItems(ofUser key: UInt64) -> Set<UInt64> {
    var seen: Set<UInt64> = []
    for history in histories {
      guard let row = history.weights(of: key) else { continue }
      row.withUnsafeBufferPointer { row in
        guard let base = row.baseAddress else { return }
        HistoryRow.forEach(base, length: (row.count - 2) / 2) { seen.insert($0) }
      }
    }
    return seen
  }

  /// The item is in the catalogue.
  package func itemOrdinal(_ key: UInt64) -> UInt32? {
    groups[1].withReader { $0.find(key).flatMap(EntityRow.ordinal) }
  }

  /// Interactions with the item, of any type.
  package func eventCount(ofItem key: UInt64) -> UInt32 {
    groups[1].withReader { $0.find(key).map { $0.word32(EntityRow.events) } ?? 0 }
  }

  package func userOrdinal(_ key: UInt64) -> UInt32? {
    groups[0].withReader { $0.find(key).flatMap(EntityRow.ordinal) }
  }

  /// What a user's id is in features: another one after each time that the user was forgotten.
  package func userHash(of key: UInt64) -> UInt64 {
    groups[0].withReader { reader in
      reader.find(key).map { EntityRow.effectiveKey(key, EntityRow.flags($0)) } ?? key
    }
  }

  /// Hashes of one of the item's categorical attributes, for content retrieval; empty: none.
  package func itemCategories(_ key: UInt64, attribute: Int) -> [UInt64] {
    let plan = plan.item.attributes[attribute]
    if plan.column >= 0 {
      return groups[1].withReader { reader in
        guard plan.type == .category, let row = reader.find(key), EntityRow.isPresent(row, attribute)
        else { return [] }
        return [row.word64(plan.column)]
      }
    }
    guard plan.type == .categories || plan.type == .text else { return [] }
    return itemRecords.withBytes(key) { record in
      guard let base = record?.baseAddress else { return [] }
      let (hashes, count) = EntityRecord.hashes(base, attribute)
      return (0..<count).map { hashes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self) }
    }
  }

  /// One of the item's vectors; empty: none.
  package func itemVector(_ key: UInt64, attribute: Int) -> [Float] {
    guard plan.item.attributes[attribute].type == .vector else { return [] }
    return itemRecords.withBytes(key) { record in
      guard let base = record?.baseAddress else { return [] }
      let (floats, count) = EntityRecord.hashes(base, attribute)
      return (0..<count).map { floats.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }
}
