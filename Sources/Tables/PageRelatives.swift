// What is in memory and nearly the same as what is going to be read: its stores and tables by the names of their
// sections. Where a page that is read holds the bytes that the relative's page of the same number has, it is that page
// (see `PageLineage.branch`); so ten versions that were loaded one after the other cost what they differ by.

package struct PageRelatives: PageSink {
  package private(set) var stores: [String: PageStore] = [:]
  package private(set) var tables: [String: PagedTable] = [:]

  package init() {}

  package var takesPages: Bool { false }
  package mutating func note(_ store: PageStore, name: String) { stores[name] = store }
  package mutating func note(_ table: PagedTable, name: String) { tables[name] = table }

  package mutating func begin(_ section: PageSection) {}
  package mutating func write(page: Int, _ bytes: UnsafeRawBufferPointer) {}
  package mutating func end() {}
}
