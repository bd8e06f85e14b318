import Foundation
import TestFixtures
import Testing

@testable import Gateway

@Suite("A file that is replaced as a whole")
struct DurableFileTests {
    @Test("what was written last is read, and nothing once it is removed")
    func replaced() throws {
        let scratch = try Scratch("spool")
        defer { scratch.remove() }
        // The folder is made with those above it, for its owner alone.
        let file = try DurableFile(folder: scratch.path + "/a/b", name: "spool")
        let rights = try FileManager.default.attributesOfItem(atPath: scratch.path + "/a/b")[.posixPermissions]
        #expect(rights as? Int == 0o700)
        #expect(try file.contents(limit: 100) == nil)
        try file.replace(with: Array("one".utf8))
        try file.replace(with: Array("three".utf8))
        #expect(try file.contents(limit: 5) == Array("three".utf8))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/a/b").sorted() == [
                "spool", "spool.lock",
            ])
        #expect(throws: DurableFile.Failure.self) { try file.contents(limit: 4) }
        #expect(try file.setAside() == scratch.path + "/a/b/spool.damaged")
        #expect(try file.contents(limit: 100) == nil)
        try file.replace(with: [])
        try file.remove()
        try file.remove()
        #expect(try file.contents(limit: 100) == nil)
    }

    @Test("one process at a time uses it")
    func locked() throws {
        let scratch = try Scratch("spool")
        defer { scratch.remove() }
        var first: DurableFile? = try DurableFile(folder: scratch.path, name: "spool")
        let failure = #expect(throws: DurableFile.Failure.self) {
            try DurableFile(folder: scratch.path, name: "spool")
        }
        #expect(failure?.description.contains("another process uses it") == true)
        #expect(first != nil)
        first = nil
        _ = try DurableFile(folder: scratch.path, name: "spool")
    }

    @Test("links are not followed, folders not read; each failure names what was tried")
    func hostile() throws {
        let scratch = try Scratch("spool")
        defer { scratch.remove() }
        let file = try DurableFile(folder: scratch.path, name: "spool")
        try Data("secret".utf8).write(to: URL(filePath: scratch.path + "/elsewhere"))
        try FileManager.default.createSymbolicLink(
            atPath: scratch.path + "/spool", withDestinationPath: scratch.path + "/elsewhere")
        #expect(throws: DurableFile.Failure.self) { try file.contents(limit: 100) }
        // It is replaced, not what it points to.
        try file.replace(with: Array("new".utf8))
        #expect(try String(contentsOfFile: scratch.path + "/elsewhere", encoding: .utf8) == "secret")
        #expect(try file.contents(limit: 100) == Array("new".utf8))
        try file.remove()
        try FileManager.default.createDirectory(atPath: scratch.path + "/spool", withIntermediateDirectories: false)
        let failure = #expect(throws: DurableFile.Failure.self) { try file.contents(limit: 100) }
        #expect(failure?.description.contains(scratch.path + "/spool") == true)
        #expect(throws: DurableFile.Failure.self) { try DurableFile(folder: scratch.path + "/elsewhere", name: "x") }
    }
}
