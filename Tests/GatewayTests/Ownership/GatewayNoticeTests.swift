import Plant
import Testing

@testable import Gateway

@Suite struct GatewayNoticeTests {
    @Test(arguments: ["abc", nil] as [String?])
    func survivesTheWire(life: String?) {
        let notice = GatewayNotice(gateway: "g1", state: .offline, pid: 4711, started: 1_700_000_000_123, life: life)
        #expect(GatewayNotice(payload: notice.payload) == notice)
    }

    @Test(arguments: ["", "null", "[]", "{}", #"{"gateway":"g1","state":"dead","pid":1,"started":2}"#, "\u{0}"])
    func anythingElseIsNoNotice(payload: String) {
        #expect(GatewayNotice(payload: Array(payload.utf8)) == nil)
    }

    @Test("a notice and the registration of one life name the same life, with and without the random part")
    func sameLife() {
        var identity = GatewayIdentity.ofThisProcess(gateway: "g1", version: "1", started: 5)
        #expect(identity.life?.count == 16)
        #expect(GatewayNotice(identity, .offline).asLife == identity.asLife)
        identity.life = nil
        #expect(GatewayNotice(identity, .offline).asLife == identity.asLife)
    }
}

@Suite("This process, and whether another one lives")
struct HostProcessTests {
    private func registration(_ identity: GatewayIdentity) -> [UInt8] {
        GatewayRecord(identity: identity, isReady: true, isSettled: true, routesDigest: nil).serialized()
    }

    @Test("only a process of this machine and namespace that is gone may be replaced")
    func replacing() {
        let me = GatewayIdentity.ofThisProcess(gateway: "g1", version: "1", started: 1)
        var other = GatewayIdentity.ofThisProcess(gateway: "g1", version: "1", started: 1)
        #expect(me.life != other.life)
        #expect(me.provesDeath(of: registration(me)), "our own node of an expired session")
        #expect(!me.provesDeath(of: registration(other)), "this very process runs")
        other.proof?.processStart += 1
        #expect(me.provesDeath(of: registration(other)), "its process id is used by another one now")
        other.pid = 0x3FFF_FFFF
        #expect(me.provesDeath(of: registration(other)))
        other.proof?.bootID = "elsewhere"
        #expect(!me.provesDeath(of: registration(other)))
        other.proof = nil
        #expect(!me.provesDeath(of: registration(other)), "an older gateway's registration proves nothing")
        #expect(!me.provesDeath(of: Array("garbage".utf8)))
    }

    @Test("process 1 always runs; what cannot be may not")
    func running() {
        #expect(!HostProcess.mayBeRunning(1, start: -1))
        #expect(!HostProcess.mayBeRunning(0, start: 1) && !HostProcess.mayBeRunning(-1, start: 1))
        #expect(!HostProcess.mayBeRunning(.max, start: 1))
        #expect(HostProcess.mayBeRunning(Int64(HostProcess.id), start: HostProcess.proof?.processStart ?? 0))
    }

    @Test(
        "lines of /proc/<pid>/stat",
        arguments: [
            ("7 (a b) c) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20", Character("R"), Int64(4711)),
            ("7 () Z 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 0", "Z", 0),
        ])
    func statusLines(line: String, state: Character, start: Int64) throws {
        let status = try #require(ProcessStatus(line))
        #expect(status.state == state && status.start == start && status.hasEnded == (state == "Z"))
    }

    @Test(arguments: [
        "", "7", "7 (x", "7 (x)", "7 (x) R 1 2", "7 (x) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 x",
    ])
    func otherLines(line: String) { #expect(ProcessStatus(line) == nil) }
}
