import FoundationEssentials

extension ConfigurationDocument {
    /// Why a file could not be read, for people.
    struct Unreadable: Error {
        var reason: String
    }

    /// A file's bytes under its path.
    init(file path: String) throws(Unreadable) {
        do {
            self.init(name: path, bytes: Array(try Data(contentsOf: URL(filePath: path))))
        } catch {
            throw Unreadable(reason: Self.reason(error))
        }
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? CocoaError else { return "\(error)" }
        switch error.code {
        case .fileReadNoSuchFile, .fileNoSuchFile: return "there is no such file"
        case .fileReadNoPermission: return "no permission"
        default: return "error \(error.code.rawValue)"
        }
    }
}
