import ArgumentParser
import Plant
import Testing

@testable import linekeeper

@Suite("The options of linekeeper devices")
struct DevicesOptionsTests {
    private static func parse(_ arguments: String...) throws -> DevicesListCommand {
        try #require(try DevicesCommand.parseAsRoot(arguments) as? DevicesListCommand)
    }

    /// What is said of a mistake; nil when there is none.
    private static func mistake(_ arguments: String...) -> String? {
        do {
            _ = try DevicesCommand.parseAsRoot(arguments)
            return nil
        } catch {
            return DevicesCommand.message(for: error)
        }
    }

    @Test("states are repeated or separated by commas")
    func states() throws {
        #expect(try Self.parse().states() == [])
        #expect(try Self.parse("--state", "offline", "--state", "stale").states() == [.offline, .stale])
        #expect(try Self.parse("factory/#", "--state", "offline,online").states() == [.offline, .online])
        for wrong in ["gone", "offline,", "Offline", "offline stale", ""] {
            #expect(Self.mistake("--state", wrong)?.contains("expected online, offline or stale") == true, "\(wrong)")
        }
    }

    @Test("a time that is none is refused, and so is one that would have to be followed")
    func time() throws {
        #expect(try Self.parse("--for", "1h30m").time == "1h30m")
        for wrong in ["10", "0s", "soon", ""] {
            #expect(Self.mistake("--for", wrong)?.contains("expected a duration") == true, "\(wrong)")
        }
        #expect(Self.mistake("--for", "10m", "--watch")?.contains("--for cannot be followed") == true)
        #expect(Self.mistake("--flapping", "--orphaned", "--route", "machines", "--watch") == nil)
    }
}
