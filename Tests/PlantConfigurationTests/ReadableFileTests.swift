import FoundationEssentials
import TestFixtures
import Testing

@testable import PlantConfiguration

@Suite("Files that cannot be read")
struct ReadableFileTests {
    @Test("are told apart for people")
    func reasons() throws {
        let fixture = try ConfigurationFixture(["file": "x"])
        let folder = fixture.folder
        let file = folder + "/file"
        #expect(try ReadableFile.bytes(of: file) == Data("x".utf8))
        for (path, reason) in [
            (folder, "it is a folder"), (folder + "/none", "there is no such file"),
            (file + "/below", "there is no such file"), ("", "there is no such file"),
            (String(repeating: "x", count: 300), "File name too long"),
        ] {
            let error = #expect(throws: ReadableFile.Unreadable.self, "\(path)") {
                try ReadableFile.bytes(of: path)
            }
            #expect(error?.reason == reason, "\(path)")
        }
    }
}
