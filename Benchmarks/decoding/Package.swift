// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that what measures stays out of the builds of those who use the libraries.
let package = Package(
    name: "decoding",
    dependencies: [.package(name: "linekeeper", path: "../..")],
    targets: [
        .executableTarget(
            name: "Decoding", dependencies: [.product(name: "PayloadFormats", package: "linekeeper")],
            // Rounding; programs with Foundation have it from there.
            linkerSettings: [.linkedLibrary("m")])
    ],
    swiftLanguageModes: [.v6]
)
