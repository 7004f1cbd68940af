// What requests are answered from: one immutable value that names the arms, the loaded versions and the shadow.
// A switch makes another one and publishes it: one pointer.

package import Learning
internal import Primitives

package final class Serving: Sendable {
  /// One arm; nil revision: the head.
  package struct Arm: Sendable {
    package var name: String
    package var target: ServingTarget
    package var revision: Revision?
    /// Users whose hash is below fall into it, if into none before.
    package var end: UInt64
  }

  package let registry: Registry
  /// One without a split.
  package let arms: [Arm]
  package let shadow: Arm?
  /// Versions that are loaded.
  package let residents: [VersionID: Revision]
  private let seed: UInt64

  package init(registry: Registry, residents: [VersionID: Revision]) {
    self.registry = registry
    self.residents = residents
    seed = StableHash.of(registry.salt)
    func revision(_ target: ServingTarget) -> Revision? {
      // What is served was loaded before it was switched to.
      (try? registry.resolve(target)).flatMap { $0 }.flatMap { residents[$0] }
    }
    if registry.arms.isEmpty {
      arms = [
        Arm(name: "", target: registry.serving, revision: revision(registry.serving), end: .max)
      ]
    } else {
      var sum = 0.0
      arms = registry.arms.enumerated().map { index, arm in
        sum += arm.percent
        let isLast = index == registry.arms.count - 1
        return Arm(
          name: arm.name, target: arm.target, revision: revision(arm.target),
          end: isLast ? .max : UInt64(min(sum / 100, 0.999_999_999) * 0x1p64))
      }
    }
    shadow = registry.shadow.map {
      Arm(name: "shadow", target: $0, revision: revision($0), end: .max)
    }
  }

  /// The arm of a user: the same for as long as the split stands, whatever else happens.
  package func arm(ofUser key: UInt64) -> Int {
    guard arms.count > 1 else { return 0 }
    let place = StableHash.combine(seed, key)
    return arms.firstIndex { place < $0.end } ?? arms.count - 1
  }
}
