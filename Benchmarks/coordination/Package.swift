// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that what measures stays out of the builds of those who use the libraries.
let package = Package(
    name: "coordination",
    dependencies: [.package(name: "linekeeper", path: "../..")],
    targets: [
        .executableTarget(
            name: "CoordinationLoad",
            dependencies: [
                .product(name: "ZooKeeperClient", package: "linekeeper"),
                .product(name: "ZooKeeperRecipes", package: "linekeeper"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
