/// What a local configuration is held against on the machine that it is for: which files there are, who may use them, and
/// which time zones are known.
package protocol MachineFacts: TimeZones {
    /// Folder of the credentials that systemd gives the service.
    var credentials: String? { get }
    /// The folder that systemd gives the service for its state; the first where it gives several.
    var stateDirectory: String? { get }
    /// The machine's own time zone.
    var timeZone: TimeZoneName { get }
    func timeZone(named name: String) throws(TimeZoneName.Mistake) -> TimeZoneName
    func exists(_ path: String) -> Bool
    /// What everybody on the machine may do with a file that holds a secret; nil when that is nothing, or there is no file.
    func rightsOfOthers(toSecret path: String) -> String?
    /// Whether everybody on the machine may replace what is in a folder.
    func othersMayWrite(into folder: String) -> Bool
}
