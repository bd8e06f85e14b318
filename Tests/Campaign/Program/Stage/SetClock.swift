import Foundation
import TestFixtures

/// A gateway's wall clock as the campaign sets it: a library that the gateway loads first, and a file that says by how much.
///
/// The library is built by `script/campaign`; see `Tests/Campaign/SetClock`.
final class SetClock: Sendable {
    let environment: [String: String]
    private let file: String

    /// - Throws: When the library is not there.
    init(gateway: String, scratch: Scratch) throws {
        guard let library = ProcessInfo.processInfo.environment["LINEKEEPER_SET_CLOCK"] else {
            throw FixtureError("LINEKEEPER_SET_CLOCK does not name the library that sets clocks; start script/campaign")
        }
        file = scratch.file("\(gateway).clock")
        environment = ["LD_PRELOAD": library, "SET_CLOCK_FILE": file]
        try write(0)
    }

    /// From now on the gateway's clock is ahead by that many milliseconds.
    func set(aheadBy offset: Int64) throws { try write(offset) }

    /// In place: the gateway has mapped the file.
    private func write(_ offset: Int64) throws {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FixtureError("\(file) cannot be written: errno \(errno)") }
        defer { close(descriptor) }
        var value = offset
        guard pwrite(descriptor, &value, 8, 0) == 8 else { throw FixtureError("\(file) cannot be written") }
    }
}
