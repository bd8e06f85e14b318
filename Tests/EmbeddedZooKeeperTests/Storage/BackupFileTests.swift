import Foundation
import TestFixtures
import Testing

@testable import EmbeddedZooKeeper

/// What backup, verify and restore do to the files and directories they are given.
@Suite struct BackupFileTests {
    private typealias Scratch = TreeStoreTests.Scratch

    /// A tree, an empty place, and a backup of the tree in it.
    private struct Stage {
        let tree = Scratch()
        let place = Scratch()
        var backup: String { place.path + "/backup" }

        init() async throws {
            try await TreeStoreTests.fill(tree, nodes: 5)
            try FileManager.default.createDirectory(atPath: place.path, withIntermediateDirectories: true)
            try TreeBackup.write(from: tree.path, to: backup)
        }

        func refusal(to file: String) -> String {
            let error = #expect(throws: EmbeddedServerError.self) { try TreeBackup.write(from: tree.path, to: file) }
            return error?.description ?? ""
        }
    }

    @Test func aBackupReplacesNothingButABackup() async throws {
        let stage = try await Stage()
        let notes = stage.place.path + "/notes.txt"
        try Data("mine".utf8).write(to: URL(fileURLWithPath: notes))
        #expect(stage.refusal(to: notes).contains("no backup"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: notes)) == Data("mine".utf8))
        let segment = try #require(
            try FileManager.default.contentsOfDirectory(atPath: stage.tree.path).first { $0.hasPrefix("log-") })
        #expect(stage.refusal(to: stage.tree.path + "/" + segment).contains("no backup"))
        #expect(stage.refusal(to: stage.tree.path + "/new").contains("folder of the tree itself"))
        #expect(stage.refusal(to: "/dev/full").contains("no file"))
        #expect(stage.refusal(to: stage.place.path).contains("no file"))
        #expect(stage.refusal(to: stage.place.path + "/").contains("names a folder"))
        #expect(stage.refusal(to: stage.place.path + "/missing/backup").contains("No such file"))
        #expect(stage.refusal(to: "-").contains("standard output"))
        #expect(try TreeBackup.verify(directory: stage.tree.path).nodes >= 5)
        // An older one is replaced, and so is the file that `mktemp` makes.
        try TreeBackup.write(from: stage.tree.path, to: stage.backup)
        let empty = stage.place.path + "/empty"
        try Data().write(to: URL(fileURLWithPath: empty))
        try TreeBackup.write(from: stage.tree.path, to: empty)
        #expect(try TreeBackup.verify(file: empty).nodes >= 5)
    }

    @Test func aLinkToABackupIsFollowed() async throws {
        let stage = try await Stage()
        let link = stage.place.path + "/newest"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "backup")
        try await TreeStoreTests.fill(stage.tree, nodes: 9)
        let summary = try TreeBackup.write(from: stage.tree.path, to: link)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "backup")
        #expect(try TreeBackup.verify(file: stage.backup) == summary)
        try FileManager.default.createSymbolicLink(atPath: link + "2", withDestinationPath: "nowhere")
        #expect(stage.refusal(to: link + "2").contains("symbolic link"))
    }

    /// As systemd's state directory of a service with a dynamic user.
    @Test func aDirectoryBehindALinkIsReplacedAndTheLinkStays() async throws {
        let stage = try await Stage()
        let other = Scratch()
        try await TreeStoreTests.fill(other, nodes: 9)
        try FileManager.default.setAttributes([.posixPermissions: 0o750], ofItemAtPath: other.path)
        let link = stage.place.path + "/state"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: other.path)
        let former = try #require(try TreeBackup.restore(stage.backup, to: link, replace: true).formerContent)
        defer { try? FileManager.default.removeItem(atPath: former) }
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == other.path)
        #expect(try other.recover().nodes.count < 9)
        #expect(try TreeBackup.verify(directory: former).nodes >= 9)
        let rights = try FileManager.default.attributesOfItem(atPath: other.path)[.posixPermissions] as? Int
        #expect(rights == 0o750)
    }

    @Test(.enabled(if: RootRights.areGiven, "gives files away: needs root"))
    func whoOwnsADirectoryOwnsWhatIsRestoredThere() async throws {
        let stage = try await Stage()
        let other = Scratch()
        try await TreeStoreTests.fill(other, nodes: 9)
        try FileManager.default.setAttributes(
            [.ownerAccountID: 12_345, .groupOwnerAccountID: 12_346], ofItemAtPath: other.path)
        let former = try #require(try TreeBackup.restore(stage.backup, to: other.path, replace: true).formerContent)
        defer { try? FileManager.default.removeItem(atPath: former) }
        for name in [""] + (try FileManager.default.contentsOfDirectory(atPath: other.path)) {
            let attributes = try FileManager.default.attributesOfItem(atPath: other.path + "/" + name)
            #expect(attributes[.ownerAccountID] as? Int == 12_345, "\(name)")
            #expect(attributes[.groupOwnerAccountID] as? Int == 12_346, "\(name)")
        }
    }

    /// A volume cannot be renamed, and has a lost+found.
    @Test(.enabled(if: RootRights.areGiven, "mounts a file system: needs root"))
    func aMountedVolumeIsRestoredInto() async throws {
        let stage = try await Stage()
        let volume = try DiskFullTests.mountSmallDisk("64m")
        defer { DiskFullTests.remove(volume) }
        try FileManager.default.createDirectory(atPath: volume + "/lost+found", withIntermediateDirectories: false)
        #expect(try TreeBackup.restore(stage.backup, to: volume, replace: false).formerContent == nil)
        let zxid = try TreeBackup.verify(directory: volume).zxid
        let former = try #require(try TreeBackup.restore(stage.backup, to: volume, replace: true).formerContent)
        #expect(former.hasPrefix(volume + "/replaced-"))
        #expect(try TreeBackup.verify(directory: former).zxid == zxid)
        #expect(try TreeBackup.verify(directory: volume).nodes >= 5)
    }

    /// However much of it has been moved when a restore is interrupted, no server starts on a part of the former tree.
    @Test(arguments: [0, 20]) func aPartOfATreeIsNoTree(checkpointEvery: Int) async throws {
        let scratch = Scratch()
        try await TreeStoreTests.fill(scratch, nodes: 200, checkpointEvery: checkpointEvery, segmentBytes: 8 << 10)
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted()
        let moved = names.filter { $0 != "lock" }
        #expect(moved.filter { $0.hasPrefix("log-") }.count > 1)
        try Data().write(to: URL(fileURLWithPath: scratch.path + "/" + CheckpointFormat.temporaryName))
        for name in moved {
            try FileManager.default.removeItem(atPath: scratch.path + "/" + name)
            // What comes before the first file that counts is not missed.
            if name.hasPrefix("checkpoint-") || name.hasPrefix("log-") {
                #expect(throws: RecoveryError.self, "without all up to \(name)") { try scratch.recover() }
            }
        }
    }

    @Test func aBackupIsVerifiedToItsLastByte() async throws {
        let stage = try await Stage()
        let url = URL(fileURLWithPath: stage.backup)
        let whole = try Data(contentsOf: url)
        func refusal(_ content: Data) throws -> String {
            try content.write(to: url)
            let error = #expect(throws: EmbeddedServerError.self) { try TreeBackup.verify(file: stage.backup) }
            return error?.description ?? ""
        }
        #expect(try refusal(whole + whole).contains("its seal ends at"))
        #expect(try refusal(whole.dropLast()).contains("its seal ends at"))
        #expect(try refusal(whole.prefix(400)).contains("cut short"))
        try whole.write(to: url)
        #expect(try TreeBackup.verify(file: stage.backup).nodes >= 5)
    }

    /// Nobody who has gone back to an older program is to restore a backup for it.
    @Test func aNewerFormatIsNoDamage() async throws {
        let stage = try await Stage()
        let url = URL(fileURLWithPath: stage.backup)
        var content = try [UInt8](Data(contentsOf: url))
        content[11] ^= 3
        try Data(content).write(to: url)
        let flipped = #expect(throws: EmbeddedServerError.self) { try TreeBackup.verify(file: stage.backup) }
        #expect(flipped?.description.contains("damaged") == true)
        let checksum = content.withUnsafeBytes {
            Checksum.crc32c(UnsafeRawBufferPointer(rebasing: $0.prefix(LogFormat.contentSize)))
        }
        withUnsafeBytes(of: checksum.bigEndian) {
            content.replaceSubrange(LogFormat.contentSize..<LogFormat.sectorSize, with: $0)
        }
        try Data(content).write(to: url)
        let newer = #expect(throws: EmbeddedServerError.self) { try TreeBackup.verify(file: stage.backup) }
        #expect(newer?.description.contains("format 2") == true)
        #expect(newer?.description.contains("Restore") == false)
    }
}
