import Testing

@testable import Gateway

@Suite struct GatewayNoticeTests {
    @Test func survivesTheWire() {
        let notice = GatewayNotice(gateway: "g1", state: .offline, pid: 4711, started: 1_700_000_000_123)
        #expect(GatewayNotice(payload: notice.payload) == notice)
    }

    @Test(arguments: ["", "null", "[]", "{}", #"{"gateway":"g1","state":"dead","pid":1,"started":2}"#, "\u{0}"])
    func anythingElseIsNoNotice(payload: String) {
        #expect(GatewayNotice(payload: Array(payload.utf8)) == nil)
    }

    @Test func onlyAProcessOfThisMachineThatIsGoneMayBeReplaced() {
        let me = GatewayIdentity(gateway: "g1", host: "box", pid: Int64(HostProcess.id), version: "1", started: 1)
        var other = me
        #expect(GatewayIdentity.isDeadPredecessor(other.serialized(), of: me), "our own node of an expired session")
        other.pid = 1
        #expect(!GatewayIdentity.isDeadPredecessor(other.serialized(), of: me), "process 1 always lives")
        other.pid = 0x3FFF_FFFF
        #expect(GatewayIdentity.isDeadPredecessor(other.serialized(), of: me))
        other.host = "elsewhere"
        #expect(!GatewayIdentity.isDeadPredecessor(other.serialized(), of: me))
        #expect(!GatewayIdentity.isDeadPredecessor(Array("garbage".utf8), of: me))
    }
}
