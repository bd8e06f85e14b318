import Foundation

/// The files of `bridge-config/examples`.
public enum ExampleFiles {
    /// The makes whose messages are text, with a `.yaml` and a `.messages` file each.
    public static let makes = ["chirpstack", "rtl_433", "shelly", "tasmota", "telegraf", "zigbee2mqtt"]

    public static func text(_ file: String) throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return String(
            decoding: try Data(contentsOf: root.appending(path: "bridge-config/examples/" + file)), as: UTF8.self)
    }

    /// The entries of a file, below the key that opens them: for a document that holds those of several files.
    public static func entries(_ file: String, _ key: String) throws -> String {
        let parts = try text(file).components(separatedBy: "\n\(key):\n")
        guard parts.count == 2 else { throw FixtureError("\(file) has no \(key), or several") }
        return parts[1]
    }

    /// The routes of several makes as one document.
    public static func routes(of makes: [String]) throws -> String {
        "routes:\n" + (try makes.map { try entries("\($0).yaml", "routes") }.joined(separator: "\n"))
    }
}
