// What the stack sees of an example: the first member's z, how often the user and the item were seen, the other
// members' answers, and a few products of these.
//
//   1, z, u, i, z u, z^2    then for each further member    answer, answer u
//   u = 0.2 ln(1 + n_user), i likewise                      neighbours of users: average, sum, average i
//                                                           neighbours of items: average, sum, average u
//
// The answer of a member that learns another's error is that error; of one that learns the label, what it says
// beyond the first member.

internal import Configuration

/// What one member said.
package struct MemberOutput: BitwiseCopyable, Sendable {
  /// Its own answer: of the label, or of the error of the member it learns from.
  package var own: Float = 0
  /// A second one, which neighbours have.
  package var sum: Float = 0
  /// z with the base's: what this member alone would answer.
  package var total: Float = 0
}

struct StackInputs: Equatable, Sendable {
  enum Column: Equatable, Sendable {
    case constant, z, user, item, zUser, zz
    case answer(Int)
    case sum(Int)
    case answerUser(Int)
    case answerItem(Int)
  }

  let columns: [Column]
  /// By member: its answer is a difference to the first member's.
  private let isDifference: [Bool]

  init(_ plan: EnsemblePlan) {
    var columns: [Column] = [.constant, .z, .user, .item, .zUser, .zz]
    var isDifference: [Bool] = []
    for (place, member) in plan.order.enumerated() {
      isDifference.append(member.base < 0 && member.kind != .neighbours && member.kind != .pooled)
      guard place > 0 else { continue }
      if member.kind == .neighbours {
        let isUser = plan.members[place].of == .user
        columns += [.answer(place), .sum(place), isUser ? .answerItem(place) : .answerUser(place)]
      } else {
        columns += [.answer(place), .answerUser(place)]
      }
    }
    self.columns = columns
    self.isDifference = isDifference
  }

  var count: Int { columns.count }

  @inline(__always)
  private func answer(_ outputs: UnsafePointer<MemberOutput>, _ member: Int) -> Double {
    isDifference[member]
      ? Double(outputs[member].total) - Double(outputs[0].total) : Double(outputs[member].own)
  }

  /// hot: `user` and `item`: 0.2 ln(1 + n).
  func fill(
    _ x: UnsafeMutablePointer<Double>, _ outputs: UnsafePointer<MemberOutput>, user: Double, item: Double
  ) {
    let z = Double(outputs[0].total)
    for place in columns.indices {
      switch columns[place] {
      case .constant: x[place] = 1
      case .z: x[place] = z
      case .user: x[place] = user
      case .item: x[place] = item
      case .zUser: x[place] = z * user
      case .zz: x[place] = z * z
      case .answer(let member): x[place] = answer(outputs, member)
      case .sum(let member): x[place] = Double(outputs[member].sum)
      case .answerUser(let member): x[place] = answer(outputs, member) * user
      case .answerItem(let member): x[place] = answer(outputs, member) * item
      }
    }
  }

  /// The member that a column is of; nil: the first, or none.
  func member(of place: Int) -> Int? {
    switch columns[place] {
    case .constant, .z, .user, .item, .zUser, .zz: nil
    case .answer(let member), .sum(let member), .answerUser(let member), .answerItem(let member): member
    }
  }
}
