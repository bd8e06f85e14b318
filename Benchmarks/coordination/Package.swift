// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that what measures stays out of the builds of those who use the libraries.
let package = Package(
    name: "coordination",
    dependencies: [
        .package(name: "linekeeper", path: "../.."),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
    ],
    targets: [
        .executableTarget(
            name: "CoordinationLoad",
            dependencies: [
                .product(name: "ZooKeeperClient", package: "linekeeper"),
                .product(name: "ZooKeeperRecipes", package: "linekeeper"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .executableTarget(name: "StallWatch"),
        .systemLibrary(name: "CEpoll"),
        .executableTarget(name: "FanOut", dependencies: ["CEpoll"]),
    ],
    swiftLanguageModes: [.v6]
)
