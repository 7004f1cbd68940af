// What a start reads: of the sound versions the one furthest along the log, then the log after it.

internal import Configuration
internal import EventLog
internal import Features
internal import Learning
internal import Logging
internal import Versions
internal import Wire

struct Recovery {
  let log: EventLog
  let control: ControlPlane
  let keeper: Keeper
  let plan: FeaturePlan
  let logger: Logger
  /// Learn the log anew where the versions were made with another configuration.
  let mayRebuild: Bool

  /// The model to go on from, with its offset.
  /// - Throws: DATA_LOSS or FAILED_PRECONDITION, with what to do.
  func start() throws(Status) -> (model: Model, offset: UInt64) {
    var damaged: [VersionID] = []
    // Learned with other settings: one of these settings, and the log after it, is just as good.
    var foreign: VersionRecord?
    for record in control.registry.heads {
      guard record.configurationHash == plan.configuration.learnedHash else {
        foreign = foreign ?? record
        continue
      }
      guard record.offset <= log.endOffset else {
        logger.error(
          "a version is newer than the log, and left out",
          metadata: ["version": "\(record.id)", "offset": "\(record.offset)", "log_end": "\(log.endOffset)"])
        continue
      }
      guard record.offset >= log.firstOffset else { break }
      do throws(Status) {
        let model = try keeper.loadModel(record.id, isShared: false)
        keeper.begin(at: record)
        logger.info("version loaded", metadata: ["version": "\(record.id)", "offset": "\(record.offset)"])
        return (model, record.offset)
      } catch {
        damaged.append(record.id)
        logger.error(
          "a version is damaged; the one before it is taken",
          metadata: ["version": "\(record.id)", "error": "\(error.message)"])
      }
    }
    if let foreign, !mayRebuild { throw otherConfiguration(foreign) }
    return (try fromNothing(damaged), log.firstOffset)
  }

  private func fromNothing(_ damaged: [VersionID]) throws(Status) -> Model {
    guard log.firstOffset == EventLog.firstOffset else {
      let what = damaged.isEmpty ? "no version reaches back" : "no version that reaches back is sound"
      throw Status(
        .dataLoss,
        "the log begins at offset \(log.firstOffset), and \(what) to it: put back \(keeper.store.directory) from a "
          + "backup, or start with an empty data directory")
    }
    do {
      return try Model(plan)
    } catch {
      throw Status(.invalidArgument, "the configuration's model cannot be made: \(error)")
    }
  }

  private func otherConfiguration(_ record: VersionRecord) -> Status {
    var text =
      "the data was learned with another configuration (\(record.id), made from other settings of what is learned)"
    let old = keeper.store.configuration(of: record.id)
    let mismatch = ConfigurationMismatch(from: old, to: plan.configuration)
    if old == nil {
      text += "; which ones cannot be read: an older build made it"
    } else if let summary = mismatch.summary {
      text += "; changed: " + summary
      if mismatch.changes.allSatisfy({ $0.effect == .learning }) {
        text += ". Put these back and change them with `cowbird update configure` while the daemon runs"
      }
    }
    return Status(
      .failedPrecondition,
      text
        + ". Start with the old configuration, or with --rebuild to learn the whole log anew with this one, "
        + "or with another data directory")
  }
}
