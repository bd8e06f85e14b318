import Foundation
import Testing

@testable import EmbeddedZooKeeper

@Suite struct TreeBackupTests {
    private typealias Scratch = TreeStoreTests.Scratch

    @Test func everythingAcknowledgedIsInABackup() async throws {
        let (scratch, other) = (Scratch(), Scratch())
        try await TreeStoreTests.fill(scratch, nodes: 60, checkpointEvery: 25, segmentBytes: 8 << 10)
        let file = scratch.path + "-backup"
        defer { try? FileManager.default.removeItem(atPath: file) }
        let summary = try TreeBackup.write(from: scratch.path, to: file)
        #expect(try TreeBackup.verify(file: file) == summary)
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let before = try scratch.recover()
        #expect(before.nodes.count == summary.nodes && before.lastZxid == summary.zxid)
        let (restored, former) = try TreeBackup.restore(file, to: other.path, replace: false)
        #expect(restored.zxid == summary.zxid && former == nil)
        let after = try other.recover(milliseconds: 1_800_000_001_000)
        #expect(after.nodes == before.nodes && after.sessions == before.sessions && after.secret == before.secret)
        #expect(after.startZxid > before.startZxid, "clients of the tree that was lost are not locked out")
        // And once more without a checkpoint between.
        let again = try other.recover(milliseconds: 1_800_000_002_000)
        #expect(again.nodes == before.nodes && again.startZxid > after.startZxid)
        // Emptied, or restored anew into an empty directory, there is nothing but the calendar: never behind what was
        // given out, so that no client is locked out and no token is given out twice.
        try FileManager.default.removeItem(atPath: other.path)
        let emptied = try other.recover(milliseconds: 1_800_000_003_000)
        #expect(emptied.nodes.count < before.nodes.count && emptied.startZxid > again.startZxid)
        try FileManager.default.removeItem(atPath: other.path)
        try TreeBackup.restore(file, to: other.path, replace: false)
        #expect(try other.recover(milliseconds: 1_800_000_004_000).startZxid > emptied.startZxid)
    }

    @Test func aBackupBesideARunningServer() async throws {
        let scratch = Scratch()
        try await TreeStoreTests.fill(scratch, nodes: 30, closing: false)
        let file = scratch.path + "-backup"
        defer { try? FileManager.default.removeItem(atPath: file) }
        #expect(try TreeBackup.write(from: scratch.path, to: file).nodes >= 30)
        #expect(try TreeBackup.verify(directory: scratch.path).nodes >= 30)
    }

    @Test func restoringDestroysNothing() async throws {
        let (scratch, other) = (Scratch(), Scratch())
        try await TreeStoreTests.fill(scratch, nodes: 5)
        let file = scratch.path + "-backup"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try TreeBackup.write(from: scratch.path, to: file)
        try await TreeStoreTests.fill(other, nodes: 9)
        let refusal = #expect(throws: EmbeddedServerError.self) {
            try TreeBackup.restore(file, to: other.path, replace: false)
        }
        #expect(refusal?.description.contains("--replace") == true)
        let inUse = try DataDirectory(other.path)
        let second = #expect(throws: EmbeddedServerError.self) {
            try TreeBackup.restore(file, to: other.path, replace: true)
        }
        #expect(second?.description.contains("in use") == true)
        inUse.release()
        // A damaged backup is refused before anything is touched.
        let content = try Data(contentsOf: URL(fileURLWithPath: file))
        var damaged = content
        damaged[600] ^= 1
        try damaged.write(to: URL(fileURLWithPath: file))
        #expect(throws: EmbeddedServerError.self) { try TreeBackup.restore(file, to: other.path, replace: true) }
        #expect(try other.recover().nodes.count >= 9)
    }

    /// A server that took the directory for an empty one would lose everything without a word.
    @Test func anInterruptedRestoreIsNoEmptyTree() async throws {
        let (scratch, other) = (Scratch(), Scratch())
        try await TreeStoreTests.fill(scratch, nodes: 5)
        let file = scratch.path + "-backup"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try TreeBackup.write(from: scratch.path, to: file)
        try FileManager.default.createDirectory(atPath: other.path, withIntermediateDirectories: true)
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: other.path + "/" + CheckpointFormat.temporaryName))
        let refusal = #expect(throws: RecoveryError.self) { try other.recover() }
        #expect(refusal?.description.contains("restore again") == true)
        try TreeBackup.restore(file, to: other.path, replace: true)
        #expect(try other.recover().nodes.count >= 5)
    }

    @Test func replacingMovesTheFormerContentAside() async throws {
        let (scratch, other) = (Scratch(), Scratch())
        try await TreeStoreTests.fill(scratch, nodes: 5)
        try await TreeStoreTests.fill(other, nodes: 9)
        let lastStart = try other.recover(milliseconds: 1_900_000_000_000).startZxid
        let file = scratch.path + "-backup"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try TreeBackup.write(from: scratch.path, to: file)
        let former = try #require(try TreeBackup.restore(file, to: other.path, replace: true).formerContent)
        defer { try? FileManager.default.removeItem(atPath: former) }
        #expect(try TreeBackup.verify(directory: former).nodes >= 9)
        let state = try other.recover()
        #expect(state.nodes.count < 9 && state.startZxid > lastStart)
    }
}
