import FoundationEssentials

extension ConfigurationDocument {
    /// A file's bytes under its path.
    init(file path: String) throws(ReadableFile.Unreadable) {
        self.init(name: path, bytes: Array(try ReadableFile.bytes(of: path)))
    }
}
