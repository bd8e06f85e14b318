import Plant
import Testing

private typealias Bench = OwnershipBench

@Suite("OwnershipDesk: who stands for what")
struct OwnershipDeskTests {
    private typealias B = OwnershipBench

    /// a and b are ready and settled; a owns everything.
    private func pair() -> Bench {
        var bench = Bench()
        bench.see(B.member("a"), B.member("b", registration: 20))
        bench.link(true)
        bench.queue("a")
        _ = bench.desk.takeNotes()
        return bench
    }

    @Test("alone: everything is its own, ready or not, once it is registered")
    func alone() {
        var bench = Bench()
        #expect(bench.desk.wishes == .init())
        bench.see(B.member("a", ready: false, settled: false))
        #expect(bench.desk.wishes.shards == B.all)
        #expect(bench.desk.wishes.standsForProcessor && bench.desk.wishes.mayConnect)
        #expect(!bench.desk.wishes.isReady && !bench.desk.wishes.isSettled)
        bench.link(true)
        #expect(bench.desk.wishes.isReady && !bench.desk.wishes.isSettled, "its readiness has not been seen yet")
        bench.see(B.member("a", settled: false))
        #expect(bench.desk.wishes.isSettled, "there is nobody to wait for")
        #expect(bench.desk.wishes.shards == B.all)
    }

    @Test("shards are divided among those that serve; what falls to another is kept until that one queues")
    func handingOver() {
        var bench = pair()
        #expect(bench.desk.wishes.shards == B.all)
        bench.queue("a", "b")
        #expect(bench.desk.wishes.shards == bench.share("a", "b"))
        bench.queue("b")
        #expect(bench.desk.wishes.shards == bench.share("a", "b"))
    }

    @Test("a candidate that may not serve is no reason to give a shard up", arguments: ["c", "stranger"])
    func wrongCandidate(name: String) {
        var bench = pair()
        bench.see(B.member("a"), B.member("b", registration: 20), B.member("c", registration: 30, ready: false))
        bench.queue("a", name)
        #expect(bench.desk.wishes.shards == B.all)
    }

    @Test("unready: nothing happens for two seconds, then the registration says so, then others take the shards")
    func unready() {
        var bench = pair()
        bench.link(false)
        bench.pass(1_999)
        #expect(bench.desk.wishes.isReady)
        bench.pass(1)
        #expect(!bench.desk.wishes.isReady)
        #expect(bench.desk.takeNotes() == [.unready])
        bench.see(B.member("a", ready: false), B.member("b", registration: 20))
        #expect(bench.desk.wishes.shards == B.all, "nobody has come to take them")
        bench.queue("a", "b")
        #expect(bench.desk.wishes.shards.isEmpty)
        #expect(!bench.desk.wishes.standsForProcessor)
        bench.queue("b")
        bench.link(true)
        #expect(bench.desk.takeNotes() == [.ready])
        bench.see(B.member("a"), B.member("b", registration: 20))
        #expect(bench.desk.wishes.shards == bench.share("a", "b"))
        #expect(bench.desk.wishes.standsForProcessor)
    }

    @Test("while nobody is ready owners keep their shards, and what nobody owns is divided among all")
    func nobodyReady() {
        var bench = pair()
        bench.see(B.member("a", ready: false), B.member("b", registration: 20, ready: false))
        bench.queue("a", "b")
        #expect(bench.desk.wishes.shards == B.all)
        #expect(bench.desk.wishes.standsForProcessor)
        bench.queue()
        #expect(bench.desk.wishes.shards == bench.share("a", "b"))
    }

    @Test("the active alarm processor that is not ready stays it until one that may serve is in the queue")
    func processor() {
        var bench = pair()
        bench.desk.processorQueueSeen(["a"], at: 0)
        bench.see(B.member("a", ready: false), B.member("b", registration: 20))
        #expect(bench.desk.wishes.standsForProcessor)
        bench.desk.processorQueueSeen(["a", "c"], at: 0)
        #expect(bench.desk.wishes.standsForProcessor, "c is no member")
        bench.desk.processorQueueSeen(["a", "b"], at: 0)
        #expect(!bench.desk.wishes.standsForProcessor)
        bench.desk.processorQueueSeen(["b"], at: 0)
        #expect(!bench.desk.wishes.standsForProcessor, "a standby that is not ready does not queue")
    }

    @Test("other routes: the group of the longest registered ready member serves, the others stand by and say so once")
    func otherRoutes() {
        var bench = Bench(digest: "r2")
        bench.see(B.member("a", registration: 30, digest: "r2"), B.member("b", registration: 20))
        bench.link(true)
        bench.queue("a", "b")
        #expect(bench.desk.wishes.shards.isEmpty && !bench.desk.wishes.standsForProcessor)
        #expect(bench.desk.takeNotes() == [.otherRoutes(than: "b"), .ready])
        bench.see(B.member("a", registration: 30, digest: "r2"), B.member("b", registration: 20))
        #expect(bench.desk.takeNotes() == [])
        // It is not ready any more: the next group's turn.
        bench.see(B.member("a", registration: 30, digest: "r2"), B.member("b", registration: 20, ready: false))
        #expect(bench.desk.wishes.shards == B.all)
        #expect(bench.desk.takeNotes() == [.sameRoutes])
    }

    @Test("an older gateway counts as ready and equal, and nobody waits where it is among them")
    func olderGateway() {
        var bench = pair()
        bench.see(B.member("a", settled: false), B.member("o", registration: 5, digest: nil, older: true))
        bench.queue("o")
        #expect(bench.desk.wishes.shards == bench.share("a", "o"))
    }

    @Test("a newcomer waits for those that heard what it did not, two seconds at most")
    func newcomer() {
        var bench = Bench()
        bench.see(B.member("a", registration: 30, ready: false, settled: false), B.member("b"))
        bench.queue("b")
        bench.link(true)
        bench.see(B.member("a", registration: 30, settled: false), B.member("b"))
        #expect(!bench.desk.wishes.isSettled && bench.desk.wishes.shards.isEmpty)
        #expect(bench.desk.wishes.standsForProcessor, "being a standby costs nothing")
        bench.pass(1_999)
        #expect(!bench.desk.wishes.isSettled)
        bench.pass(1)
        #expect(bench.desk.wishes.isSettled)
        bench.see(B.member("a", registration: 30), B.member("b"))
        #expect(bench.desk.wishes.shards == bench.share("a", "b"))
    }

    @Test("a gateway for which the broker kept nothing is a newcomer again: those that heard meanwhile take over")
    func sessionBeganAnew() {
        var bench = pair()
        bench.see(B.member("a"), B.member("b", registration: 20))
        bench.pass(2_000)
        #expect(bench.desk.wishes.isSettled)
        bench.desk.processorQueueSeen(["a", "b"], at: bench.now)
        bench.desk.sessionBeganAnew(at: bench.now)
        #expect(bench.desk.wishes.isSettled, "others may have to come back themselves")
        bench.pass(2_000)
        #expect(bench.desk.wishes.isReady && !bench.desk.wishes.isSettled)
        bench.see(B.member("a", settled: false), B.member("b", registration: 20))
        #expect(!bench.desk.wishes.standsForProcessor)
        #expect(bench.desk.wishes.shards == B.all, "nobody has come to take them")
        bench.queue("a", "b")
        #expect(bench.desk.wishes.shards.isEmpty)
        bench.queue("b")
        bench.desk.processorQueueSeen(["b"], at: bench.now)
        #expect(bench.desk.wishes.standsForProcessor, "behind the other one")
        bench.pass(2_000)
        bench.see(B.member("a"), B.member("b", registration: 20))
        #expect(bench.desk.wishes.shards == bench.share("a", "b"))
    }

    @Test("where the broker kept nothing for anybody, nothing moves")
    func everybodyBeganAnew() {
        var bench = pair()
        bench.see(B.member("a"), B.member("b", registration: 20, settled: false))
        bench.desk.processorQueueSeen(["a", "b"], at: bench.now)
        bench.queue("a", "b")
        bench.desk.sessionBeganAnew(at: bench.now)
        bench.pass(2_000)
        #expect(bench.desk.wishes.isSettled, "there is nobody to wait for")
        #expect(bench.desk.wishes.shards == B.all && bench.desk.wishes.standsForProcessor)
    }

    @Test("one that settled alone gives way to one that shows itself later and had settled before, once")
    func settledAlone() {
        var bench = Bench()
        bench.see(B.member("a", registration: 30, ready: false, settled: false))
        bench.link(true)
        bench.see(B.member("a", registration: 30, settled: false))
        #expect(bench.desk.wishes.isSettled)
        bench.see(B.member("a", registration: 30))
        bench.queue("a")
        bench.desk.processorQueueSeen(["a"], at: bench.now)
        // A real newcomer has heard no more than we have.
        bench.see(B.member("a", registration: 30), B.member("n", registration: 35, settled: false))
        bench.see(B.member("a", registration: 30), B.member("n", registration: 35))
        #expect(bench.desk.wishes.isSettled)
        // c was apart, too, but has lived for less: it gives way.
        bench.see(B.member("a", registration: 30), B.member("c", registration: 38, started: 120))
        #expect(bench.desk.wishes.isSettled)
        // b's session has ended while the tree was away; it heard all the time.
        let b = B.member("b", registration: 40, started: 50)
        bench.see(B.member("a", registration: 30), B.member("n", registration: 35), b)
        #expect(!bench.desk.wishes.isSettled)
        bench.see(B.member("a", registration: 30, settled: false), b)
        bench.queue("a", "b")
        bench.desk.processorQueueSeen(["a", "b"], at: bench.now)
        #expect(bench.desk.wishes.shards.isEmpty && !bench.desk.wishes.standsForProcessor)
        bench.pass(2_000)
        #expect(bench.desk.wishes.isSettled)
        bench.see(B.member("a", registration: 30), b)
        bench.see(B.member("a", registration: 30))
        bench.see(B.member("a", registration: 30), B.member("b", registration: 50))
        #expect(bench.desk.wishes.isSettled, "it has been met")
        bench.see(B.member("a", registration: 30), B.member("b", life: "2", registration: 60))
        #expect(bench.desk.wishes.isSettled, "a has not been alone since")
    }

    @Test("one that was there before we settled, and went, was not waited for: we give way when it is back")
    func metAndGone() {
        var bench = Bench()
        let b = B.member("b", registration: 20, started: 50)
        bench.link(true)
        bench.see(B.member("a", registration: 30, settled: false), b)
        #expect(!bench.desk.wishes.isSettled)
        // Its session has ended while the tree was away.
        bench.see(B.member("a", registration: 30, settled: false))
        #expect(bench.desk.wishes.isSettled)
        bench.see(B.member("a", registration: 30))
        bench.see(B.member("a", registration: 30), B.member("b", registration: 40, started: 50))
        #expect(!bench.desk.wishes.isSettled)
    }

    @Test("one that has lived for longer does not give way, also before its own registration stands again")
    func livedLonger() {
        var bench = Bench()
        bench.link(true)
        bench.see(B.member("a", registration: 30, settled: false))
        bench.see(B.member("a", registration: 30))
        #expect(bench.desk.wishes.isSettled)
        let younger = B.member("b", registration: 40, started: 200)
        bench.see(younger)
        bench.see(B.member("a", registration: 50), younger)
        #expect(bench.desk.wishes.isSettled)
    }

    @Test("of two newcomers the one waits that has lived for less: the other may have heard more")
    func twoNewcomers() {
        var bench = Bench()
        bench.link(true)
        bench.see(
            B.member("a", registration: 30, settled: false),
            B.member("b", registration: 20, settled: false, started: 50))
        bench.pass(1_999)
        #expect(!bench.desk.wishes.isSettled)
        bench.pass(1)
        #expect(bench.desk.wishes.isSettled)
        var elder = Bench()
        elder.link(true)
        elder.see(
            B.member("a", registration: 30, settled: false),
            B.member("b", registration: 20, settled: false, started: 150))
        #expect(elder.desk.wishes.isSettled)
    }

    @Test("a newcomer does not wait for one that has died meanwhile")
    func newcomerLeftAlone() {
        var bench = Bench()
        bench.link(true)
        bench.see(B.member("a", registration: 30, settled: false), B.member("b"))
        #expect(!bench.desk.wishes.isSettled)
        bench.see(B.member("a", registration: 30, settled: false))
        #expect(bench.desk.wishes.isSettled && bench.desk.wishes.shards == B.all)
    }

    @Test("a shard without an owner for a second is taken by anybody who is ready; who does not get it leaves")
    func ownerless() {
        var bench = pair()
        bench.queue()
        let share = bench.share("a", "b")
        #expect(bench.desk.wishes.shards == share)
        bench.pass(999)
        #expect(bench.desk.wishes.shards == share)
        bench.pass(1)
        #expect(bench.desk.wishes.shards == B.all)
        bench.queue("b", "a")
        #expect(bench.desk.wishes.shards == share)
        // Taken by us: kept until the one that it falls to comes.
        bench.queue()
        bench.pass(1_000)
        bench.queue("a")
        #expect(bench.desk.wishes.shards == B.all)
        bench.queue("a", "b")
        #expect(bench.desk.wishes.shards == share)
    }

    @Test("an unready member takes what nobody else takes, after five seconds")
    func lastRescue() {
        var bench = Bench()
        bench.see(B.member("a", ready: false), B.member("o", registration: 5, digest: nil, older: true))
        bench.queue()
        bench.pass(4_999)
        #expect(bench.desk.wishes.shards.isEmpty)
        bench.pass(1)
        #expect(bench.desk.wishes.shards == B.all)
    }

    @Test("before the queues have been seen nothing counts as without an owner")
    func queuesUnseen() {
        var bench = Bench()
        bench.link(true)
        bench.see(B.member("a"), B.member("b", registration: 20))
        bench.pass(60_000)
        #expect(bench.desk.wishes.shards == bench.share("a", "b"))
    }

    @Test("a registration that is missing for a moment costs nothing; nothing new is asked for")
    func unregistered() {
        var bench = pair()
        bench.queue("a", "b")
        let before = bench.desk.wishes
        bench.queue("a")
        bench.see(B.member("b", registration: 20))
        #expect(bench.desk.wishes.shards == B.all, "nobody else queues for what it owns")
        #expect(bench.desk.wishes.standsForProcessor == before.standsForProcessor)
        bench.queue("b")
        #expect(bench.desk.wishes.shards.isEmpty)
        #expect(bench.desk.wishes.mayConnect)
    }

    @Test("two gateways with one name: the one that does not hold it stands for nothing and does not connect")
    func nameTaken() {
        var bench = Bench()
        let other = B.member("a", life: "2")
        bench.see(other)
        #expect(bench.desk.wishes == .init())
        #expect(bench.desk.takeNotes() == [.nameTaken(by: other.life)])
        bench.see(other)
        #expect(bench.desk.takeNotes() == [])
        bench.see()
        #expect(!bench.desk.wishes.mayConnect, "not before it holds the name itself")
        bench.see(B.member("a", ready: false, settled: false))
        #expect(bench.desk.wishes.mayConnect)
        bench.see()
        #expect(bench.desk.wishes.mayConnect, "the tree is away, or the session has ended: nobody else has the name")
        bench.see(other)
        #expect(!bench.desk.wishes.mayConnect && bench.desk.wishes.shards.isEmpty)
        #expect(bench.desk.takeNotes() == [.nameTaken(by: other.life)])
    }

    @Test("ghosts are said once")
    func ghosts() {
        var bench = Bench()
        bench.desk.membersSeen([], ghosts: ["x"], at: 0)
        bench.desk.membersSeen([B.member("a")], ghosts: ["x"], at: 0)
        bench.desk.membersSeen([B.member("a")], ghosts: ["x", "y"], at: 0)
        bench.desk.membersSeen([B.member("a")], ghosts: ["y"], at: 0)
        #expect(bench.desk.takeNotes() == [.ghosts(["x"]), .ghosts(["y"])])
    }

    @Test("a broker that cannot be reached from the start is said once")
    func neverConnected() {
        var bench = Bench()
        bench.see(B.member("a", ready: false, settled: false))
        #expect(bench.desk.nextDeadline == 5_000)
        bench.pass(4_999)
        #expect(bench.desk.takeNotes() == [])
        bench.pass(1)
        bench.pass(60_000)
        #expect(bench.desk.takeNotes() == [.unready])
    }
}

@Suite("The registration of a gateway")
struct GatewayRecordTests {
    private let identity = GatewayIdentity(
        gateway: "g1", host: "box", pid: 7, version: "1", started: 5, life: "abc",
        proof: .init(bootID: "boot", pidNamespace: "pid:[1]", processStart: 99))

    @Test("survives the tree")
    func roundTrip() {
        let record = GatewayRecord(identity: identity, isReady: true, isSettled: false, routesDigest: "00ff")
        #expect(GatewayRecord(parsing: record.serialized(), name: "g1") == record)
        #expect(record.identity.asLife == GatewayLife(gateway: "g1", key: "abc"))
    }

    @Test("weight and draining are said only where they are not what they usually are")
    func weightAndDraining() throws {
        let plain = GatewayRecord(identity: identity, isReady: true, isSettled: true, routesDigest: "r")
        let text = String(decoding: plain.serialized(), as: UTF8.self)
        #expect(!text.contains("weight") && !text.contains("draining"), "\(text)")
        var record = plain
        record.weight = 3
        record.isDraining = true
        #expect(GatewayRecord(parsing: record.serialized(), name: "g1") == record)
        let member = try #require(
            GatewayMember(name: "g1", data: record.serialized(), sessionID: 3, registration: 4))
        #expect(member.weight == 3 && member.isDraining)
    }

    @Test(
        "what cannot be a weight counts as 1, what is not true is not draining",
        arguments: ["101", "-1", "2.5", "\"3\"", "null", "1e300", "9223372036854775807", "[]"])
    func strangeWeight(text: String) {
        let data = #"{"gateway":"g1","pid":1,"started":1,"weight":\#(text),"draining":\#(text)}"#
        let record = GatewayRecord(parsing: Array(data.utf8), name: "g1")
        #expect(record?.weight == 1 && record?.isDraining == false, "\(data)")
    }

    @Test("a weight of 0 is one", arguments: [0, 100])
    func extremeWeight(weight: Int) {
        let data = #"{"gateway":"g1","pid":1,"started":1,"weight":\#(weight)}"#
        #expect(GatewayRecord(parsing: Array(data.utf8), name: "g1")?.weight == weight)
    }

    @Test("an older gateway's counts as ready, settled, equal, and its life is told by process and time")
    func older() throws {
        let data = Array(
            #"{"gateway":"g1","host":"box","pid":7,"version":"0","started":5,"broker":"connected","counters":{"a":1}}"#
                .utf8)
        let member = try #require(GatewayMember(name: "g1", data: data, sessionID: 3, registration: 4))
        #expect(member.isReady && member.isSettled && member.isOlder && member.routesDigest == nil)
        #expect(member.life == GatewayLife(gateway: "g1", life: nil, pid: 7, started: 5))
        let ours = try #require(
            GatewayMember(
                name: "g1",
                data: GatewayRecord(identity: identity, isReady: false, isSettled: false, routesDigest: "x")
                    .serialized(),
                sessionID: 3, registration: 4))
        #expect(!ours.isReady && !ours.isSettled && !ours.isOlder && ours.routesDigest == "x")
    }

    @Test(
        "a ghost is no member",
        arguments: [
            "", "null", "{}", "[]", #"{"gateway":"g2","pid":1,"started":1}"#,
            #"{"gateway":"g1","pid":"1","started":1}"#,
        ])
    func ghosts(data: String) {
        #expect(GatewayMember(name: "g1", data: Array(data.utf8), sessionID: 3, registration: 4) == nil)
    }

    @Test("a node that is not ephemeral is a ghost, whatever it says")
    func persistent() {
        let data = GatewayRecord(identity: identity, isReady: true, isSettled: true, routesDigest: nil).serialized()
        #expect(GatewayMember(name: "g1", data: data, sessionID: 0, registration: 4) == nil)
    }

    @Test("only a process that has certainly ended may be replaced")
    func proof() {
        func other(_ change: (inout GatewayIdentity) -> Void) -> GatewayIdentity {
            var other = identity
            other.life = "other"
            other.pid = 8
            change(&other)
            return other
        }
        func proves(_ other: GatewayIdentity, start: Int64?) -> Bool {
            identity.proves(deathOf: other) { pid, itsStart in pid != other.pid || itsStart == start }
        }
        #expect(proves(other { _ in }, start: nil), "no process has that id")
        #expect(proves(other { _ in }, start: 100), "another process has it")
        #expect(!proves(other { _ in }, start: 99), "it lives")
        #expect(!proves(other { $0.proof?.bootID = "clone" }, start: nil))
        #expect(!proves(other { $0.proof?.pidNamespace = "pid:[2]" }, start: nil))
        #expect(!proves(other { $0.proof = nil }, start: nil), "an older gateway's record proves nothing")
        #expect(!proves(other { $0.gateway = "g2" }, start: nil))
        #expect(proves(other { $0.life = "abc" }, start: 99), "our own node of an earlier session")
    }
}
