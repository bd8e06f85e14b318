import Foundation

/// A folder with configuration files, for one test.
public struct ConfigurationFixture: ~Copyable {
    public let folder: String

    /// - Parameter files: name to content.
    public init(_ files: [String: String]) throws {
        folder = FileManager.default.temporaryDirectory.path + "/linekeeper-configuration-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (name, content) in files {
            try Data(content.utf8).write(to: URL(filePath: folder + "/" + name))
            // Whatever the mask of the process that tests: some of them are secrets.
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder + "/" + name)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }
}

/// The head of a file that is right, for tests of what follows.
public let soundHead = """
    plant: bottling
    gateway: ${HOSTNAME}
    mqtt: { broker: "mqtt://127.0.0.1:1883" }
    tree:
      embedded: { data: ./var/tree, listen: 127.0.0.1:2181 }

    """
