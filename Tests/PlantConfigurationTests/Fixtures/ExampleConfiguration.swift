import Foundation

@testable import PlantConfiguration

/// The commented examples of the repository, as bytes.
enum ExampleConfiguration {
    static let plantDocuments = ["routes.yaml", "tags.yaml", "alarms.yaml", "commands.yaml"]

    /// - Parameter path: Below `bridge-config/`.
    static func document(_ path: String) throws -> ConfigurationDocument {
        ConfigurationDocument(name: path, bytes: try bytes(path))
    }

    /// - Parameter path: Below `bridge-config/`.
    static func bytes(_ path: String) throws -> [UInt8] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return Array(try Data(contentsOf: root.appending(path: "bridge-config/" + path)))
    }
}

/// A document from text.
func document(_ name: String, _ text: String) -> ConfigurationDocument {
    ConfigurationDocument(name: name, bytes: Array(text.utf8))
}
