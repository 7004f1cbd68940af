// swift-tools-version: 6.2
import PackageDescription

/// Settings of every Swift target: Swift 6 mode is the default of these tools; warnings are errors.
let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

/// Settings of every C target.
let strictC: [CSetting] = [.define("_GNU_SOURCE")]

/// One library target of the house; `Tests/<name>Tests` tests it.
func room(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies, swiftSettings: strict)
}

let package = Package(
  name: "cowbird",
  products: [
    .executable(name: "cowbird", targets: ["cowbird"]),
    .library(name: "CowbirdClient", targets: ["Transport"]),
  ],
  dependencies: [
    // The command line: parsing, help and completion that people already know.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    // Log messages for people and for machines, with levels and metadata.
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    // Reads cowbird.yaml with the line and column of every node, which the error messages need.
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    // Latency percentiles in `cowbird bench`, corrected for coordinated omission.
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    // C: system library, generated messages, shims and kernels.
    .systemLibrary(
      name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
    .target(name: "CMessages", dependencies: ["CProtobufC"], cSettings: strictC),
    .target(name: "CSystem", cSettings: strictC),
    .target(name: "CKernels", cSettings: strictC),

    // Swift, from the wire inwards. Imports point up this list only.
    room("Primitives", ["CSystem"]),
    room("Wire", ["CMessages", "CProtobufC", "CSystem", "Primitives"]),
    room("Transport", ["CMessages", "CProtobufC", "CSystem", "Primitives", "Wire"]),
    room("EventLog", ["CSystem", "Primitives"]),
    room("Configuration", ["Primitives", .product(name: "Yams", package: "Yams")]),
    room("Statistics", ["CKernels", "Primitives"]),
    room("Formats", ["Wire"]),
    room("Plot", []),
    room("Tables", ["CKernels", "CSystem", "Primitives"]),
    room("Features", ["CKernels", "Configuration", "Primitives", "Statistics", "Tables", "Wire"]),
    room("Models", ["CKernels", "Configuration", "Features", "Primitives", "Statistics", "Tables"]),
    room(
      "Retrieval",
      ["CKernels", "Configuration", "Features", "Models", "Primitives", "Statistics", "Tables"]),
    room(
      "Learning",
      [
        "CKernels", "Configuration", "EventLog", "Features", "Models", "Primitives", "Retrieval",
        "Statistics", "Tables", "Wire",
      ]),
    room(
      "Versions",
      [
        "Configuration", "EventLog", "Features", "Learning", "Models", "Primitives", "Statistics", "Tables",
        "Wire",
      ]),
    room(
      "Service",
      [
        "Configuration", "EventLog", "Features", "Learning", "Models", "Primitives", "Retrieval",
        "Statistics", "Tables", "Transport", "Versions", "Wire",
        .product(name: "Logging", package: "swift-log"),
      ]),
    .executableTarget(name: "EchoServer", dependencies: ["Transport", "Wire"], swiftSettings: strict),

    // Fuzz targets. `Fuzz/run` builds them with libFuzzer; built plainly, they replay the files they are given.
    .executableTarget(
      name: "FuzzEnvelope", dependencies: ["CMessages", "Wire"], path: "Fuzz/Envelope",
      swiftSettings: strict),
    .executableTarget(
      name: "FuzzConnection", dependencies: ["CSystem", "Transport", "Wire"], path: "Fuzz/Connection",
      swiftSettings: strict),
    .executableTarget(
      name: "cowbird",
      dependencies: [
        "CMessages", "Configuration", "EventLog", "Features", "Formats", "Learning", "Models", "Plot",
        "Primitives", "Retrieval", "Service", "Statistics", "Tables", "Transport", "Versions", "Wire",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      swiftSettings: strict),

    tests("Primitives"),
    tests("Wire", ["CMessages", "Primitives"]),
    tests("Transport", ["CMessages", "CSystem", "EchoServer", "Primitives", "Wire"]),
    tests("EventLog", ["CSystem", "Primitives"]),
    tests("Configuration"),
    tests("Statistics", ["Configuration", "Features", "Wire"]),
    tests("Formats", ["Wire"]),
    tests("Plot"),
    tests("Tables", ["CKernels", "Primitives"]),
    tests("Features", ["Configuration", "Primitives", "Tables", "Wire"]),
    tests("Models", ["CKernels", "Configuration", "Features", "Primitives", "Statistics", "Tables", "Wire"]),
    tests("Retrieval"),
    tests(
      "Learning",
      [
        "Configuration", "EventLog", "Features", "Models", "Primitives", "Retrieval", "Statistics", "Tables",
        "Wire",
      ]),
    tests(
      "Versions",
      [
        "Configuration", "EventLog", "Features", "Learning", "Models", "Primitives", "Statistics", "Tables",
        "Wire",
      ]),
    tests(
      "Service",
      ["CMessages", "Configuration", "EventLog", "Learning", "Primitives", "Transport", "Versions", "Wire"]),

    // Kills processes to see what survives.
    .executableTarget(
      name: "LearnedAllocations",
      dependencies: [
        "Configuration", "EventLog", "Features", "Learning", "Models", "Primitives", "Wire",
      ], path: "Tests/Allocations/Learning", swiftSettings: strict),
    .executableTarget(
      name: "LogCrasher", dependencies: ["EventLog"], path: "Tests/LogCrasher", swiftSettings: strict),
    .executableTarget(
      name: "VersionCrasher",
      dependencies: [
        "CMessages", "Configuration", "EventLog", "Learning", "Primitives", "Service", "Transport",
        "Versions",
        "Wire",
      ], path: "Tests/VersionCrasher", swiftSettings: strict),
    .testTarget(
      name: "Faults",
      dependencies: [
        "Configuration", "EventLog", "Features", "Learning", "LogCrasher", "Primitives", "VersionCrasher",
        "Versions",
      ], swiftSettings: strict),
  ],
  cLanguageStandard: .c11
)
