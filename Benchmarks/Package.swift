// swift-tools-version: 6.2
// What is measured, apart from the package, so that its users never build this. The rooms under test are links to
// the package's own folders: `package` access ends at a package's border.
import PackageDescription

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

func room(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
  name: "cowbird-benchmarks",
  dependencies: [
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
  ],
  targets: [
    .target(name: "CSystem", cSettings: [.define("_GNU_SOURCE")]),
    room("Primitives", ["CSystem"]),
    room("EventLog", ["CSystem", "Primitives"]),
    .executableTarget(name: "LogBench", dependencies: ["EventLog"], swiftSettings: strict),
    .target(name: "CKernels", cSettings: [.define("_GNU_SOURCE")]),
    room("Tables", ["CKernels", "CSystem", "Primitives"]),
    .executableTarget(
      name: "TableBench", dependencies: ["CKernels", "Primitives", "Tables"], swiftSettings: strict),
    .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c"),
    .target(name: "CMessages", dependencies: ["CProtobufC"], cSettings: [.define("_GNU_SOURCE")]),
    room("Wire", ["CMessages", "CProtobufC", "CSystem", "Primitives"]),
    room("Configuration", ["Primitives", .product(name: "Yams", package: "Yams")]),
    room("Statistics", ["CKernels", "Primitives"]),
    room("Features", ["CKernels", "Configuration", "Primitives", "Statistics", "Tables", "Wire"]),
    room("Models", ["CKernels", "Configuration", "Features", "Primitives", "Statistics", "Tables"]),
    room(
      "Retrieval",
      ["CKernels", "Configuration", "Features", "Models", "Primitives", "Statistics", "Tables"]),
    .executableTarget(
      name: "ModelBench", dependencies: ["Configuration", "Features", "Models", "Primitives"],
      swiftSettings: strict),
    .executableTarget(
      name: "RetrievalBench", dependencies: ["Configuration", "Primitives", "Retrieval", "Tables"],
      swiftSettings: strict),
    room("Transport", ["CMessages", "CProtobufC", "CSystem", "Primitives", "Wire"]),
    room(
      "Learning",
      [
        "CKernels", "Configuration", "EventLog", "Features", "Models", "Primitives", "Retrieval",
        "Statistics", "Tables", "Wire",
      ]),
    .executableTarget(
      name: "LearningBench",
      dependencies: [
        "Configuration", "EventLog", "Features", "Learning", "Models", "Primitives", "Statistics", "Wire",
      ],
      swiftSettings: strict),
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
    .executableTarget(
      name: "VersionBench",
      dependencies: [
        "CMessages", "Configuration", "EventLog", "Learning", "Models", "Primitives", "Service", "Tables",
        "Transport", "Versions", "Wire",
      ], swiftSettings: strict),
  ],
  cLanguageStandard: .c11
)
