import Primitives
import SparkplugB
import TestFixtures
import Testing

@testable import Plant

@Suite("Asking edge nodes for births")
struct RebirthRequestTests {
    private static let seed: UInt64 = 11

    private static func edges(_ count: Int) -> [TestEdge] { (0..<count).map { TestEdge("e\($0)") } }

    @Test("After a cold start everybody is asked, and no more per second than the limit says")
    func coldStart() throws {
        var plant = try EdgePlant()
        var edges = Self.edges(1_000)
        for index in edges.indices {
            _ = edges[index].birth(at: plant.now)
            plant.hear(edges[index].data("temperature", 1, at: plant.now))
        }
        let limit = IngestLimits().edgeNodes.rebirthsPerSecond
        var asked: Set<String> = []
        for _ in 0..<60 {
            let requests = plant.pass(1_000)
            #expect(requests.count <= limit + limit / 4)
            for request in requests {
                asked.insert(request.edge)
                guard let index = Int(request.edge.dropFirst()) else { continue }
                plant.hear(edges[index].birth(at: plant.now))
            }
        }
        #expect(asked.count == 1_000)
        #expect(plant.pass(60_000).isEmpty)
        #expect(plant.number("rebirthsRequested") == 1_000)
    }

    @Test("After a takeover nobody is asked whose birth the new active gateway has heard")
    func warmTakeover() throws {
        var (active, standby) = (try EdgePlant(), try EdgePlant(asksFirst: false))
        var edges = Self.edges(1_000)
        for index in edges.indices {
            let messages = edges[index].birth(at: active.now) + [edges[index].data("temperature", 1, at: active.now)]
            active.hear(messages)
            standby.hear(messages)
        }
        #expect(active.pass(10_000).isEmpty)
        #expect(standby.pass(10_000, asks: false).isEmpty)
        standby.plant.asksFirstForBirths(true, at: standby.now)
        #expect(standby.pass(120_000).isEmpty)
        #expect(active.picture == standby.picture)
    }

    @Test(
        "What another gateway has missed it asks for itself, after the active one has had time to; or when it becomes active"
    )
    func missedByTheStandby() throws {
        for takesOver in [false, true] {
            var standby = try EdgePlant(asksFirst: false)
            var edges = Self.edges(2)
            for index in edges.indices { standby.hear(edges[index].birth(at: standby.now)) }
            _ = edges[1].data("temperature", 1, at: standby.now)
            standby.now += 10
            standby.hear(edges[1].data("temperature", 2, at: standby.now))
            #expect(standby.pass(11_500).isEmpty)
            if takesOver { standby.plant.asksFirstForBirths(true, at: standby.now) }
            #expect(standby.pass(31_500).map(\.edge) == ["e1"])
        }
    }

    @Test(
        "A gateway that was restarted asks steady edge nodes itself, so that it can read them, and a takeover finds it warm"
    )
    func restarted() throws {
        var restarted = try EdgePlant(asksFirst: false)
        var edges = Self.edges(30)
        for index in edges.indices {
            _ = edges[index].birth(at: restarted.now)
            restarted.hear(edges[index].data("temperature", 1, at: restarted.now))
        }
        var asked = 0
        for _ in 0..<5 {
            for request in restarted.pass(1_000) {
                guard let index = Int(request.edge.dropFirst()) else { continue }
                asked += 1
                restarted.hear(edges[index].birth(at: restarted.now))
                restarted.hear(edges[index].data("temperature", 3, at: restarted.now))
            }
        }
        #expect(asked == 30)
        #expect(try restarted.value("g/e29/temperature") == 3.0)
        restarted.plant.asksFirstForBirths(true, at: restarted.now)
        #expect(restarted.pass(120_000).isEmpty)
    }

    @Test("After a cold start of all, each asks for itself what it has not been told yet, and nothing twice")
    func coldStartOfAll() throws {
        var gateways = [try EdgePlant(), try EdgePlant(asksFirst: false), try EdgePlant(asksFirst: false)]
        var edges = Self.edges(50)
        for index in edges.indices {
            _ = edges[index].birth(at: EdgePlant.start)
            let message = edges[index].data("temperature", 1, at: EdgePlant.start)
            for gateway in gateways.indices { gateways[gateway].hear(message) }
        }
        let asked = Self.answered(&gateways, &edges)
        #expect(asked.allSatisfy { $0 <= 50 } && asked.reduce(0, +) >= 50, "\(asked)")
        for gateway in gateways { #expect(gateway.number("edgeNodes") == 50 && gateway.number("tags") == 100) }
    }

    /// A minute in which each edge node that is asked gives birth, and all gateways hear it. Returns how many requests each has sent.
    private static func answered(_ gateways: inout [EdgePlant], _ edges: inout [TestEdge]) -> [Int] {
        var asked = gateways.map { _ in 0 }
        for _ in 0..<240 {
            for gateway in gateways.indices {
                for request in gateways[gateway].pass(250) {
                    asked[gateway] += 1
                    guard let index = Int(request.edge.dropFirst()) else { continue }
                    let births = edges[index].birth(at: gateways[gateway].now)
                    for hearer in gateways.indices { gateways[hearer].hear(births) }
                }
            }
        }
        return asked
    }

    @Test("The birth that the active gateway asks for serves all: the others ask for nothing")
    func servesAll() throws {
        var gateways = [try EdgePlant(), try EdgePlant(asksFirst: false), try EdgePlant(asksFirst: false)]
        var edges = Self.edges(50)
        for index in edges.indices {
            let births = edges[index].birth(at: EdgePlant.start)
            _ = edges[index].data("temperature", 1, at: EdgePlant.start)
            let message = edges[index].data("temperature", 2, at: EdgePlant.start + 10)
            for gateway in gateways.indices { gateways[gateway].hear(births + [message]) }
        }
        let asked = Self.answered(&gateways, &edges)
        #expect(asked == [50, 0, 0])
    }

    @Test("Every gateway finds by itself that an edge node does not answer, and only by requests that have left")
    func unanswering() throws {
        for asksFirst in [true, false] {
            for leaves in [true, false] {
                var plant = try EdgePlant(asksFirst: asksFirst)
                var edge = TestEdge()
                plant.hear(edge.birth(at: plant.now))
                _ = edge.data("temperature", 1, at: plant.now)
                plant.now += 10
                plant.hear(edge.data("temperature", 2, at: plant.now))
                let requests = plant.pass(900_000, asks: leaves)
                #expect(try plant.state("g/e1/d1") == (leaves ? .stale : .online))
                #expect(requests.isEmpty != leaves)
            }
        }
    }

    @Test("A birth that comes before the request has left makes it needless")
    func needless() throws {
        var limits = IngestLimits()
        limits.edgeNodes.rebirthsPerSecond = 1
        var plant = try EdgePlant(limits: limits)
        var edges = Self.edges(3)
        for index in edges.indices {
            _ = edges[index].birth(at: plant.now)
            plant.hear(edges[index].data("temperature", 1, at: plant.now))
        }
        // All are due, and one may be asked.
        plant.pass(3_000, asks: false)
        #expect(plant.plant.takeRebirths(at: plant.now).count == 1)
        for index in edges.indices { plant.hear(edges[index].birth(at: plant.now)) }
        #expect(plant.pass(10_000).isEmpty)
    }

    @Test("What stands in line is not sent while the broker is not heard, and is asked once it is heard again")
    func lostWhileInLine() throws {
        var plant = try EdgePlant()
        var edges = Self.edges(3)
        for index in edges.indices {
            _ = edges[index].birth(at: plant.now)
            plant.hear(edges[index].data("temperature", 1, at: plant.now))
        }
        plant.pass(3_000, asks: false)
        plant.plant.brokerLost(at: plant.now)
        #expect(plant.pass(10_000).isEmpty)
        #expect(plant.number("rebirthsRequested") == 0)
        plant.plant.brokerConnected(at: plant.now)
        #expect(Set(plant.pass(30_500).map(\.edge)) == ["e0", "e1", "e2"])
    }

    @Test("A request that could not be sent does not count: it is tried again soon, and nobody is called stale for it")
    func unsendable() throws {
        var plant = try EdgePlant()
        var edge = TestEdge()
        plant.hear(edge.birth(at: plant.now))
        _ = edge.data("temperature", 1, at: plant.now)
        plant.now += 10
        plant.hear(edge.data("temperature", 2, at: plant.now))
        plant.pass(3_000, asks: false)
        for _ in 0..<20 {
            let taken = plant.plant.takeRebirth(at: plant.now)
            let request = try #require(taken)
            plant.plant.rebirthFailed(request, at: plant.now)
            plant.pass(250, asks: false)
        }
        #expect(plant.number("rebirthsRequested") == 0)
        #expect(try plant.state("g/e1") == .online)
        #expect(plant.plant.takeRebirths(at: plant.now).map(\.edge) == ["e1"])
        #expect(plant.number("rebirthsRequested") == 1)
        #expect(plant.pass(29_000).isEmpty)
    }

    @Test("A gateway that has ceased to be active leaves it to the next one to ask first")
    func noLongerActive() throws {
        var plant = try EdgePlant()
        var edges = Self.edges(50)
        for index in edges.indices {
            plant.hear(edges[index].birth(at: plant.now))
            _ = edges[index].data("temperature", 1, at: plant.now)
            plant.hear(edges[index].data("temperature", 2, at: plant.now + 10))
        }
        plant.pass(3_000, asks: false)
        plant.plant.asksFirstForBirths(false, at: plant.now)
        #expect(plant.pass(9_500).isEmpty)
        for index in edges.indices.dropFirst() { plant.hear(edges[index].birth(at: plant.now)) }
        #expect(plant.pass(32_000).map(\.edge) == ["e0"])
    }

    @Test("The allowance is a few at once and then so many per second, whatever the clock does")
    func allowance() {
        var allowance = RebirthAllowance(perSecond: 20)
        func count(at now: Milliseconds) -> Int {
            var count = 0
            while allowance.take(at: now) { count += 1 }
            return count
        }
        #expect(count(at: 1_000) == 5)
        #expect(count(at: 1_000) == 0)
        #expect(count(at: 1_049) == 0)
        #expect(count(at: 1_050) == 1)
        #expect(count(at: 900) == 0)
        #expect(count(at: 1_000_000) == 5)
        #expect(count(at: .max) == 5)
        #expect(count(at: .min) == 0)
    }

    @Test(
        "Two gateways that hear the same have the same, whatever is lost, reordered or told again, and when one is restarted",
        arguments: [false, true])
    func sameValues(restarts: Bool) throws {
        var random = SeededRandom(seed: Self.seed)
        var (one, other) = (try EdgePlant(), try EdgePlant(asksFirst: false))
        var edges = Self.edges(5)
        // Of two edge nodes a metric has the tag that a metric of their device has as well.
        for index in 0..<2 { edges[index].values[""]?.append(("d1/speed", 7)) }
        var held: [TestEdge.Message] = []
        for step in 0..<3_000 {
            if restarts, step == 1_500 {
                other = try EdgePlant(asksFirst: false)
                other.seed(from: &one)
            }
            let index = Int.random(in: edges.indices, using: &random)
            var messages: [TestEdge.Message] = []
            switch Int.random(in: 0..<20, using: &random) {
            case 0: messages = edges[index].birth(at: one.now)
            case 1:
                messages = [edges[index].death(at: one.now)]
                edges[index].birthNumber += 1
            case 2: _ = edges[index].data("temperature", 0, at: one.now)
            case 3: held.append(edges[index].data("temperature", 95, at: one.now))
            case 4:
                messages = held
                held = []
            case 5: messages = [edges[index].data("d1/speed", .random(in: 0...9, using: &random), at: one.now)]
            case 6...10:
                messages = [edges[index].data("speed", .random(in: 0...9, using: &random), device: "d1", at: one.now)]
            default: messages = [edges[index].data("temperature", .random(in: 0...99, using: &random), at: one.now)]
            }
            one.hear(messages)
            other.hear(messages)
            for request in one.pass(.random(in: 1...500, using: &random)) {
                guard let edge = Int(request.edge.dropFirst()) else { continue }
                let messages = edges[edge].birth(at: one.now)
                one.hear(messages)
                other.now = one.now
                other.hear(messages)
            }
            other.now = one.now
            _ = other.plant.heard(through: other.now, at: other.now)
            _ = other.plant.advance(to: other.now)
        }
        if restarts {
            // What was said between is known to the one alone; how they go on is the same.
            for index in edges.indices {
                let messages = edges[index].birth(at: one.now)
                one.hear(messages)
                other.hear(messages)
            }
        }
        one.pass(3_000)
        other.pass(3_000)
        #expect(one.picture == other.picture, "seed \(Self.seed)")
        #expect(try one.device(of: "g/e0/d1/speed") == "g/e0/d1")
        // What was due before the restart is the one's to record.
        if !restarts { #expect(one.plant.pendingTransitionCount == other.plant.pendingTransitionCount) }
    }
}
