// swift-tools-version: 6.2
import PackageDescription

/// Settings of every target. `LINEKEEPER_STRICT=1` (script/test, CI) turns warnings into errors.
let settings: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ] + (Context.environment["LINEKEEPER_STRICT"] == "1" ? [.treatAllWarnings(as: .error)] : [])

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let collections = Target.Dependency.product(name: "Collections", package: "swift-collections")
let asn1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let swiftProtobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

/// `LINEKEEPER_PART=tree` leaves only the coordination tree's modules and their tests: quick builds for whoever works there.
let isWhole = Context.environment["LINEKEEPER_PART"] != "tree"
let partTargets: Set<String> = [
    "JSON", "Primitives", "ZooKeeperProtocol", "ZooKeeperClient", "ZooKeeperRecipes", "EmbeddedZooKeeper", "MQTT",
    "CMosquitto", "TestFixtures", "JSONTests", "PrimitivesTests",
    "ZooKeeperProtocolTests", "ZooKeeperClientTests", "ZooKeeperRecipesTests", "EmbeddedZooKeeperTests",
    "TreeComparisonTests", "TreeHistoryTests",
]

let package = Package(
    name: "linekeeper",
    products: [
        .executable(name: "linekeeper", targets: ["linekeeper"]),
        .library(name: "ZooKeeperClient", targets: ["ZooKeeperClient", "ZooKeeperProtocol"]),
        .library(name: "ZooKeeperRecipes", targets: ["ZooKeeperRecipes"]),
        .library(name: "MQTT", targets: ["MQTT"]),
        // For Benchmarks/decoding alone.
        .library(name: "PayloadFormats", targets: ["CBOR", "JSON", "LineProtocol", "SparkplugB"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-asn1.git", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.0"),
        // For SparkplugBTests alone, as their oracle.
        .package(url: "https://github.com/apple/swift-protobuf.git", from: "1.39.0", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "linekeeper",
            dependencies: [
                "Gateway", "PlantClient", "PlantConfiguration", "Simulation", "EmbeddedZooKeeper", "ZooKeeperRecipes",
                "ZooKeeperClient", "ZooKeeperProtocol", "MQTT", "Plant", "JSON", "SparkplugB", "Primitives",
                argumentParser,
                logging,
                lifecycle, unixSignals, nioCore, collections,
            ],
            swiftSettings: settings),
        .target(
            name: "Gateway",
            dependencies: [
                "PlantClient", "Plant", "PlantConfiguration", "JSON", "MQTT", "SparkplugB", "ZooKeeperRecipes",
                "ZooKeeperClient", "ZooKeeperProtocol", "EmbeddedZooKeeper", "Primitives", nioPosix, logging, lifecycle,
                unixSignals, collections,
            ],
            swiftSettings: settings),
        .target(
            name: "PlantClient",
            dependencies: [
                "Plant", "PlantConfiguration", "JSON", "MQTT", "ZooKeeperRecipes", "ZooKeeperClient",
                "ZooKeeperProtocol", "Primitives", logging, collections, nioSSL,
            ],
            swiftSettings: settings),
        .target(
            name: "PlantConfiguration", dependencies: ["Plant", "JSON", "Primitives", yams, collections],
            swiftSettings: settings),
        .target(
            name: "Simulation", dependencies: ["Plant", "JSON", "MQTT", "Primitives", logging, collections],
            swiftSettings: settings),
        .target(
            name: "Plant", dependencies: ["CBOR", "JSON", "LineProtocol", "Primitives", "SparkplugB", collections],
            swiftSettings: settings),
        .target(name: "CBOR", dependencies: ["JSON", "Primitives", collections], swiftSettings: settings),
        .target(name: "LineProtocol", dependencies: ["JSON"], swiftSettings: settings),
        .target(name: "SparkplugB", dependencies: ["JSON", "Primitives"], swiftSettings: settings),
        .target(name: "JSON", dependencies: [collections], swiftSettings: settings),
        // What products need that share no other module.
        .target(name: "Primitives", swiftSettings: settings),
        .target(
            name: "ZooKeeperRecipes",
            dependencies: ["ZooKeeperClient", "ZooKeeperProtocol", "Primitives", logging, lifecycle, collections],
            swiftSettings: settings),
        .target(
            name: "ZooKeeperClient",
            dependencies: [
                "ZooKeeperProtocol", "Primitives", nioCore, nioPosix, nioSSL, logging, lifecycle, collections,
            ],
            swiftSettings: settings),
        .target(
            name: "EmbeddedZooKeeper",
            dependencies: [
                "ZooKeeperProtocol", "Primitives", nioCore, nioPosix, nioHTTP1, nioSSL, nioTLS, asn1, logging,
                lifecycle, collections,
            ],
            swiftSettings: settings),
        .target(name: "ZooKeeperProtocol", dependencies: [nioCore], swiftSettings: settings),
        .target(
            name: "MQTT", dependencies: ["CMosquitto", "Primitives", logging, lifecycle, collections],
            swiftSettings: settings),
        .systemLibrary(name: "CMosquitto", pkgConfig: "libmosquitto", providers: [.apt(["libmosquitto-dev"])]),

        // What the tests share: servers on free ports, the linekeeper program, conditions with a deadline.
        .target(
            name: "TestFixtures",
            dependencies: [
                "JSON", "Primitives", "ZooKeeperClient", "ZooKeeperProtocol", "EmbeddedZooKeeper", "MQTT", logging,
                collections,
            ],
            path: "Tests/TestFixtures", swiftSettings: settings),

        // script/campaign: faults against the built program. What judges it shares no code with it but the random
        // generator.
        .target(
            name: "CampaignOracle", dependencies: ["Primitives"], path: "Tests/Campaign/Oracle",
            swiftSettings: settings),
        .executableTarget(
            name: "campaign",
            dependencies: [
                "CampaignOracle", "Primitives", "TestFixtures", "MQTT", "ZooKeeperClient", "ZooKeeperProtocol",
                argumentParser,
                logging,
            ],
            path: "Tests/Campaign/Program", swiftSettings: settings),
        .testTarget(
            name: "CampaignTests", dependencies: ["CampaignOracle", "Primitives", "TestFixtures"],
            path: "Tests/Campaign/OracleTests",
            swiftSettings: settings),

        .testTarget(
            name: "ZooKeeperProtocolTests", dependencies: ["ZooKeeperProtocol", "Primitives", "TestFixtures", nioCore],
            swiftSettings: settings),
        .testTarget(
            name: "EmbeddedZooKeeperTests",
            dependencies: [
                "EmbeddedZooKeeper", "ZooKeeperClient", "ZooKeeperProtocol", "Primitives", "TestFixtures", nioCore,
                nioPosix, nioSSL, logging,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ZooKeeperClientTests",
            dependencies: [
                "ZooKeeperClient", "ZooKeeperRecipes", "ZooKeeperProtocol", "EmbeddedZooKeeper", "Primitives",
                "TestFixtures", nioCore, nioPosix, nioEmbedded, nioSSL, logging,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ZooKeeperRecipesTests",
            dependencies: [
                "ZooKeeperRecipes", "ZooKeeperClient", "ZooKeeperProtocol", "EmbeddedZooKeeper", "Primitives",
                "TestFixtures",
                nioCore, nioPosix, logging,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "TreeHistoryTests",
            dependencies: [
                "ZooKeeperRecipes", "ZooKeeperClient", "ZooKeeperProtocol", "EmbeddedZooKeeper", "Primitives",
                "TestFixtures",
                logging,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "TreeComparisonTests",
            dependencies: [
                "EmbeddedZooKeeper", "ZooKeeperProtocol", "Primitives", "TestFixtures", nioCore, logging,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "MQTTTests", dependencies: ["MQTT", "Primitives", "TestFixtures", logging], swiftSettings: settings),
        .testTarget(
            name: "JSONTests", dependencies: ["JSON", "Primitives", "TestFixtures", collections],
            swiftSettings: settings),
        .testTarget(
            name: "CBORTests", dependencies: ["CBOR", "JSON", "Primitives", "TestFixtures", collections],
            swiftSettings: settings),
        .testTarget(
            name: "LineProtocolTests", dependencies: ["LineProtocol", "JSON", "Primitives", "TestFixtures"],
            swiftSettings: settings),
        .testTarget(
            name: "SparkplugBTests", dependencies: ["SparkplugB", "JSON", "Primitives", "TestFixtures", swiftProtobuf],
            exclude: ["Oracle/sparkplug_b.proto"], swiftSettings: settings),
        .testTarget(name: "PrimitivesTests", dependencies: ["Primitives"], swiftSettings: settings),
        .testTarget(
            name: "PlantTests",
            dependencies: [
                "Plant", "CBOR", "JSON", "LineProtocol", "Primitives", "SparkplugB", "TestFixtures", collections,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "PlantConfigurationTests",
            dependencies: [
                "PlantConfiguration", "Plant", "JSON", "Primitives", "SparkplugB", "TestFixtures", collections,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "SimulationTests", dependencies: ["Simulation", "MQTT", "Plant", "JSON", "Primitives"],
            swiftSettings: settings),
        .testTarget(
            name: "PlantClientTests",
            dependencies: [
                "PlantClient", "Plant", "PlantConfiguration", "JSON", "EmbeddedZooKeeper", "ZooKeeperRecipes",
                "ZooKeeperClient", "ZooKeeperProtocol", "MQTT", "TestFixtures", logging, collections,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "GatewayTests",
            dependencies: [
                "Gateway", "PlantClient", "Plant", "PlantConfiguration", "JSON", "EmbeddedZooKeeper",
                "ZooKeeperRecipes", "ZooKeeperClient", "ZooKeeperProtocol", "MQTT", "Primitives", "SparkplugB",
                "TestFixtures",
                logging, lifecycle, collections,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "LinekeeperTests",
            dependencies: [
                "TestFixtures", "PlantClient", "Plant", "JSON", "MQTT", "ZooKeeperClient", "ZooKeeperProtocol",
                "Primitives", "SparkplugB",
                "linekeeper", logging,
            ],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)

if !isWhole {
    package.targets.removeAll { !partTargets.contains($0.name) }
    package.products.removeAll { ["linekeeper", "PayloadFormats"].contains($0.name) }
}
