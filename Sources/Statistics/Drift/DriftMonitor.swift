// The detectors that watch a learner's loss, run side by side.

package import Primitives

/// ADWIN and Page-Hinkley on the loss of each example, DDM on its errors; each can be left out.
///
/// - Complexity: O(1) amortised per example.
package struct DriftMonitor: Sendable, Equatable {
  /// Which detectors fired.
  package struct Fired: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let adwin = Fired(rawValue: 1)
    package static let pageHinkley = Fired(rawValue: 2)
    package static let ddm = Fired(rawValue: 4)
  }

  package private(set) var adwin: ADWIN?
  package private(set) var pageHinkley: PageHinkley?
  package private(set) var ddm: DDM?

  package init(
    adwin: ADWIN? = ADWIN(), pageHinkley: PageHinkley? = PageHinkley(mode: .up), ddm: DDM? = nil
  ) {
    self.adwin = adwin
    self.pageHinkley = pageHinkley
    self.ddm = ddm
  }

  // hot: once per event.
  /// A loss that is NaN or infinite is ignored; `isError` nil leaves DDM alone (a regression has no errors).
  package mutating func update(loss: Double, isError: Bool?) -> Fired {
    var fired: Fired = []
    if loss.magnitude <= 1e100 {
      if adwin?.update(loss) == .drift { fired.insert(.adwin) }
      if pageHinkley?.update(loss) == .drift { fired.insert(.pageHinkley) }
    }
    if let isError, ddm?.update(isError: isError) == .drift { fired.insert(.ddm) }
    return fired
  }
}

extension DriftMonitor: ByteCodable {
  package func encode(to writer: inout ByteWriter) {
    writer.write(adwin != nil)
    if let adwin { writer.write(adwin) }
    writer.write(pageHinkley != nil)
    if let pageHinkley { writer.write(pageHinkley) }
    writer.write(ddm != nil)
    if let ddm { writer.write(ddm) }
  }

  package init(from reader: inout ByteReader) throws(ByteCodecError) {
    adwin = try reader.read(Bool.self) ? reader.read(ADWIN.self) : nil
    pageHinkley = try reader.read(Bool.self) ? reader.read(PageHinkley.self) : nil
    ddm = try reader.read(Bool.self) ? reader.read(DDM.self) : nil
  }
}
