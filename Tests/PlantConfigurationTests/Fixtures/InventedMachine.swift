import Plant

@testable import PlantConfiguration

/// A machine that has only what a test says, so that what is read cannot come from elsewhere.
struct InventedMachine: MachineFacts {
    var credentials: String?
    var stateDirectory: String?
    var timeZone = TimeZoneName.utc
    var files: Set<String> = []
    var openSecrets: Set<String> = []
    var openFolders: Set<String> = []

    func timeZone(named name: String) throws(TimeZoneName.Mistake) -> TimeZoneName {
        guard name == "Moon/Tranquility" else { throw .unknown }
        return TimeZoneName(identifier: name)
    }

    func rules(ofZone name: String) throws(TimeZoneName.Mistake) -> ZoneRules {
        _ = try timeZone(named: name)
        return .utc
    }

    func exists(_ path: String) -> Bool { files.contains(path) }

    func rightsOfOthers(toSecret path: String) -> String? { openSecrets.contains(path) ? "read" : nil }

    func othersMayWrite(into folder: String) -> Bool { openFolders.contains(folder) }
}
