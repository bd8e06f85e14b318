import FoundationEssentials

/// A secret that lies in a file, so that it stands in no configuration, command line or log.
package enum SecretFile {
    package struct Unreadable: Error, CustomStringConvertible {
        var file: String
        var reason: String
        package var description: String {
            "the secret in \(file) cannot be read: \(reason); check the path and its permissions"
        }
    }

    /// The first line of the file, without its end, and without the byte-order mark that editors put in front.
    package static func firstLine(of file: String) throws -> String {
        let data: Data
        do { data = try ReadableFile.bytes(of: file) } catch { throw Unreadable(file: file, reason: error.reason) }
        let text = data.starts(with: [0xEF, 0xBB, 0xBF]) ? data.dropFirst(3) : data
        let line = text.prefix { $0 != 0x0A && $0 != 0x0D && $0 != 0 }
        guard !line.isEmpty else { throw Unreadable(file: file, reason: "its first line is empty") }
        guard let text = String(validating: line, as: UTF8.self) else {
            throw Unreadable(file: file, reason: "it is not UTF-8")
        }
        return text
    }
}
