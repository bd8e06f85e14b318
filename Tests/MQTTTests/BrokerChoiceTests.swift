import Glibc
import Primitives
import Testing

@testable import MQTT

@Suite("Which broker is tried next")
struct BrokerChoiceTests {
    private static let a = MQTTBroker(host: "a")
    private static let b = MQTTBroker(host: "b")
    private static let c = MQTTBroker(host: "c")

    private static let cut = MQTTDisconnection.network(code: ECONNRESET, text: "reset")
    private static let gone = MQTTDisconnection.network(code: ECONNREFUSED, text: "refused")
    private static let backoff = MQTTBackoff(
        initial: .milliseconds(50), maximum: .milliseconds(500), jitter: 0, afterRefusal: .seconds(10),
        briefConnections: 3, briefly: .seconds(1))

    /// A client that does as the choice says, on a clock of its own.
    private struct Client {
        var choice: BrokerChoice
        var now = ContinuousClock.now
        let start: ContinuousClock.Instant

        init(_ brokers: [MQTTBroker]) {
            choice = BrokerChoice(brokers[0], Array(brokers.dropFirst()), BrokerChoiceTests.backoff)
            start = now
        }

        /// Waits as told; the broker that is tried, and how many milliseconds after the start.
        mutating func attempt(beside companion: MQTTBroker? = nil) -> String {
            let next = choice.next(beside: companion, now: now)
            now = max(now, next.notBefore ?? now)
            return "\(next.broker.host)@\((now - start).wholeMilliseconds)"
        }

        mutating func ended(
            _ broker: MQTTBroker, _ reason: MQTTDisconnection, connectedFor: Duration? = nil, took: Duration = .zero
        ) {
            now += (connectedFor ?? .zero) + took
            choice.ended(broker, reason, connectedFor: connectedFor, random: 0, now: now)
        }

        /// What is tried while none can be reached.
        mutating func failures(_ count: Int, took: Duration = .zero) -> [String] {
            (0..<count).map { _ in
                let tried = attempt()
                ended(MQTTBroker(host: String(tried.prefix(1))), BrokerChoiceTests.gone, took: took)
                return tried
            }
        }
    }

    @Test("brokers that fall silent one after the other are tried again in that order, whatever chance says")
    func jitteredSilence() {
        let backoff = MQTTBackoff(
            initial: .milliseconds(50), maximum: .milliseconds(500), jitter: 0.5, afterRefusal: .seconds(10),
            briefConnections: 3, briefly: .seconds(1))
        for connectedFor in [Duration.milliseconds(5), .seconds(5)] {
            var choice = BrokerChoice(Self.a, [Self.b, Self.c], backoff)
            let start = ContinuousClock.now
            for (time, (broker, random)) in [(Self.a, 0), (Self.b, 0.9), (Self.c, 0.9)].enumerated() {
                #expect(choice.next().broker == broker)
                choice.ended(
                    broker, .givenUp("silence"), connectedFor: connectedFor, random: random,
                    now: start + .milliseconds(time))
            }
            #expect(choice.next().broker == Self.a)
        }
    }

    @Test("one broker alone is tried as its schedule says")
    func alone() {
        var client = Client([Self.a])
        #expect(client.failures(5) == ["a@0", "a@50", "a@150", "a@350", "a@750"])
    }

    @Test("while none can be reached each gets its turn, at once the first time, then at its own waits")
    func turns() {
        var client = Client([Self.a, Self.b, Self.c])
        #expect(
            client.failures(9) == ["a@0", "b@0", "c@0", "a@50", "b@50", "c@50", "a@150", "b@150", "c@150"])
    }

    @Test("attempts that take long keep none of the others from its turn")
    func slowAttempts() {
        var client = Client([Self.a, Self.b, Self.c])
        #expect(client.failures(7, took: .seconds(3)).map { $0.prefix(1) } == ["a", "b", "c", "a", "b", "c", "a"])
    }

    @Test("after a working connection was cut the first one is preferred, after the shortest wait")
    func naturalReconnect() {
        var client = Client([Self.a, Self.b])
        #expect(client.failures(3) == ["a@0", "b@0", "a@50"])
        #expect(client.attempt().first == "b")
        client.ended(Self.b, Self.cut, connectedFor: .seconds(100))
        #expect(client.attempt() == "a@100100")
        client.ended(Self.a, Self.gone)
        #expect(client.attempt() == "b@100100")
        // What the first one did not do before the outage does not make it wait longer now.
        client.ended(Self.b, Self.gone)
        #expect(client.attempt() == "a@100150")
    }

    @Test(
        "a broker that has fallen silent, refuses or is given up is not tried first again",
        arguments: [
            MQTTDisconnection.timedOut("the broker's answer to a ping"), .network(code: ETIMEDOUT, text: "dead"),
            .givenUp("no echo"), .closedByBroker(.notAuthorized), .closedByBroker(.sessionTakenOver),
        ])
    func silent(reason: MQTTDisconnection) {
        var client = Client([Self.a, Self.b, Self.c])
        client.ended(Self.a, reason, connectedFor: .seconds(100))
        #expect(client.attempt() == "b@100000")
        client.ended(Self.b, Self.gone)
        #expect(client.attempt() == "c@100000")
        client.ended(Self.c, Self.gone)
        #expect(client.attempt().first == (reason.needsAttention ? Character("b") : Character("a")))
    }

    @Test("of brokers that accept and fall silent one after the other each gets its turn")
    func silentInTurn() {
        var client = Client([Self.a, Self.b, Self.c])
        var tried = ""
        for _ in 0..<7 {
            let attempt = client.attempt()
            tried += attempt.prefix(1)
            client.ended(MQTTBroker(host: String(attempt.prefix(1))), .givenUp("no echo"), connectedFor: .seconds(10))
        }
        #expect(tried == "abcabca")
    }

    @Test("a companion's broker is tried before one that has waited for longer, once its own wait is over")
    func companionFirst() {
        var client = Client([Self.a, Self.b, Self.c])
        client.ended(Self.b, Self.gone)
        #expect(client.choice.next(beside: Self.b, now: client.now).broker == Self.a)
        client.now += .milliseconds(50)
        #expect(client.attempt(beside: Self.b).first == "b")
    }

    @Test("a broker that throws out at once is not held on to, and its waits do not grow before they must")
    func brief() {
        var client = Client([Self.a, Self.b])
        client.ended(Self.a, Self.cut, connectedFor: .milliseconds(20))
        #expect(client.attempt() == "b@20")
        client.ended(Self.b, Self.gone)
        #expect(client.attempt() == "a@70")
        for _ in 0..<2 { client.ended(Self.a, Self.cut, connectedFor: .milliseconds(20)) }
        #expect(client.choice.next().broker == Self.b)
    }

    @Test("a broker that refuses waits for its own time, and takes none of the others'")
    func refusal() {
        var client = Client([Self.a, Self.b])
        client.ended(Self.a, .refused(.badUserNameOrPassword))
        #expect(client.failures(3) == ["b@0", "b@50", "b@150"])
        // Nor does a connection elsewhere shorten it.
        #expect(client.attempt().first == "b")
        client.ended(Self.b, Self.cut, connectedFor: .seconds(2))
        #expect(client.attempt() == "b@2400")
        client.ended(Self.b, Self.cut, connectedFor: .seconds(20))
        #expect(client.attempt() == "a@22450")
    }

    @Test("a companion's broker comes first when nothing else decides")
    func companion() {
        var client = Client([Self.a, Self.b, Self.c])
        #expect(client.attempt(beside: Self.b).first == "b")
        client.ended(Self.b, Self.gone)
        #expect(client.attempt(beside: Self.b).first == "a")
        client.ended(Self.a, Self.cut, connectedFor: .seconds(2))
        #expect(client.attempt(beside: Self.c).first == "c")
        client.ended(Self.c, .givenUp("no echo"), connectedFor: .seconds(2))
        #expect(client.attempt(beside: Self.b).first == "b")
        // One that is not of the list is nowhere.
        client.choice.forgetWaits()
        #expect(client.attempt(beside: MQTTBroker(host: "d")).first == "a")
    }

    @Test("when the connection is wanted now, waits begin with the shortest")
    func startOver() {
        var client = Client([Self.a])
        _ = client.failures(6)
        client.choice.startOver()
        let before = client.now
        client.ended(Self.a, Self.gone)
        #expect(client.choice.next().notBefore == before + .milliseconds(50))
    }

    @Test("what brokers that share no sessions keep for a client that is elsewhere is forgotten on the way back")
    func sessions() {
        var choice = BrokerChoice(Self.a, [Self.b], Self.backoff)
        func forgets(_ broker: MQTTBroker) -> Bool {
            let next = choice.next(beside: broker)
            #expect(next.broker == broker)
            return next.forgetsSession
        }
        // The first connection of a process takes up what an earlier one left; its loss is no reason to forget.
        choice.accepted(Self.a, sessionPresent: false)
        #expect(!forgets(Self.a) && !forgets(Self.b))
        choice.accepted(Self.a, sessionPresent: true)
        choice.accepted(Self.b, sessionPresent: false)
        #expect(forgets(Self.a) && !forgets(Self.b))
        choice.accepted(Self.a, sessionPresent: false)
        #expect(!forgets(Self.a) && forgets(Self.b))
        choice.accepted(Self.a, sessionPresent: true)
        #expect(forgets(Self.b))
    }

    @Test("a cluster that takes the session along keeps it")
    func sharedSessions() {
        var choice = BrokerChoice(Self.a, [Self.b], Self.backoff)
        choice.accepted(Self.a, sessionPresent: false)
        choice.accepted(Self.b, sessionPresent: true)
        choice.accepted(Self.a, sessionPresent: true)
        #expect(!choice.next(beside: Self.a).forgetsSession && !choice.next(beside: Self.b).forgetsSession)
    }

    @Test("a broker that is listed twice is one")
    func duplicates() {
        var client = Client([Self.a, Self.a, Self.b])
        #expect(client.failures(3) == ["a@0", "b@0", "a@50"])
    }

    @Test("whatever happens, an attempt comes within the longest wait, and none is left out for ever")
    func walk() {
        var random = SystemRandomNumberGenerator()
        let brokers = [Self.a, Self.b, Self.c]
        for _ in 0..<200 {
            var client = Client(brokers)
            var untried: [String: Int] = [:]
            for _ in 0..<100 {
                let before = client.now
                let tried = client.attempt(beside: Bool.random() ? brokers.randomElement(using: &random) : nil)
                let host = String(tried.prefix(1))
                #expect(client.now - before <= .milliseconds(500))
                for broker in brokers { untried[broker.host, default: 0] += broker.host == host ? 0 : 1 }
                untried[host] = 0
                #expect(untried.values.allSatisfy { $0 <= 12 }, "\(untried)")
                client.ended(
                    MQTTBroker(host: host), Bool.random() ? Self.gone : .timedOut("connecting"),
                    took: .milliseconds(.random(in: 0...3_000, using: &random)))
            }
        }
    }
}
