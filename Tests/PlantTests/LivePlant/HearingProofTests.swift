import Testing

@testable import Plant

@Suite("Proof of what has been heard")
struct HearingProofTests {
    private let start = ContinuousClock.now

    private func subscribed() -> HearingProof {
        var proof = HearingProof()
        proof.subscribed()
        return proof
    }

    @Test("An echo proves the time at which it was sent")
    func proves() throws {
        var proof = subscribed()
        let echoAsked = proof.ask(isWanted: true, number: 7, wall: 1000, at: start)
        let echo = try #require(echoAsked)
        #expect(proof.echoReceived(Array("8".utf8), at: start) == nil)
        #expect(proof.echoReceived(echo.payload, at: start) == 1000)
        #expect(proof.echoReceived(echo.payload, at: start) == nil, "a repetition proves nothing more")
    }

    @Test("Nothing is proved before the broker has granted the subscriptions, nor across connections")
    func subscriptions() throws {
        var proof = HearingProof()
        #expect(proof.ask(isWanted: true, number: 7, wall: 1000, at: start) == nil)
        proof.subscribed()
        let echoAsked = proof.ask(isWanted: true, number: 7, wall: 1000, at: start)
        let echo = try #require(echoAsked)
        proof.disconnected()
        proof.subscribed()
        #expect(proof.echoReceived(echo.payload, at: start) == nil)
    }

    @Test("One echo is under way at a time; a lost one is replaced, and still proves what it proves if it comes")
    func retry() throws {
        var proof = subscribed()
        let firstAsked = proof.ask(isWanted: true, number: 1, wall: 1000, at: start)
        let first = try #require(firstAsked)
        #expect(proof.ask(isWanted: true, number: 2, wall: 1500, at: start + .milliseconds(500)) == nil)
        let secondAsked = proof.ask(isWanted: true, number: 2, wall: 2000, at: start + .seconds(1))
        let second = try #require(secondAsked)
        #expect(proof.echoReceived(first.payload, at: start + .seconds(1)) == 1000)
        #expect(proof.echoReceived(second.payload, at: start + .seconds(1)) == 2000)
    }

    @Test("Without a reason an echo is sent now and then; a broker that brings none back has hung")
    func hung() throws {
        var proof = subscribed()
        let echoAsked = proof.ask(isWanted: false, number: 1, wall: 0, at: start)
        let echo = try #require(echoAsked)
        _ = proof.echoReceived(echo.payload, at: start)
        #expect(proof.ask(isWanted: false, number: 2, wall: 0, at: start + .seconds(4)) == nil)
        let another = proof.ask(isWanted: false, number: 2, wall: 0, at: start + .seconds(5))
        #expect(another != nil)
        for second in 6..<40 {
            _ = proof.ask(isWanted: false, number: UInt64(second), wall: 0, at: start + .seconds(second))
            #expect(proof.isSilent == (second >= 15))
        }
        // Then it is asked every ten seconds, not every second: at 24 and at 34.
        #expect(proof.echoReceived(Array("27".utf8), at: start + .seconds(40)) == nil)
        #expect(proof.echoReceived(Array("22".utf8), at: start + .seconds(40)) != nil)
        #expect(!proof.isSilent)
    }

    @Test("A silent broker is asked once per connection and then rarely, also over connections that prove nothing")
    func silentAcrossConnections() {
        var proof = subscribed()
        var asked: [Int] = []
        for second in 0..<100 {
            if second % 30 == 29 {
                proof.disconnected()
                proof.subscribed()
            }
            if proof.ask(isWanted: true, number: UInt64(second), wall: 0, at: start + .seconds(second)) != nil {
                asked.append(second)
            }
        }
        #expect(
            asked == Array(0..<10) + [19, 29, 30, 31, 41, 51, 59, 60, 61, 71, 81, 89, 90, 91])
        #expect(proof.isSilent)
    }

    /// The seconds at which a broker is given up that never brings an echo back. Its connections are made again one second later.
    private func departures(
        brokers: Int, until end: Int, _ meanwhile: (inout HearingProof, Int, ContinuousClock.Instant) -> Void
    ) -> [Int] {
        var proof = HearingProof(brokers: brokers)
        proof.subscribed()
        var departures: [Int] = []
        for second in 0...end {
            let now = start + .seconds(second)
            if departures.last == second - 1, second > 0 {
                proof.disconnected()
                proof.subscribed()
            }
            meanwhile(&proof, second, now)
            _ = proof.ask(isWanted: true, number: UInt64(second), wall: 0, at: now)
            if let time = proof.givesUp(at: now) {
                departures.append(second)
                #expect(time == departures.count)
            }
        }
        return departures
    }

    @Test(
        "A broker that delivers nothing is given up again and again: of a list each ten seconds until all have been tried, then ever more rarely"
    )
    func departures() {
        #expect(
            departures(brokers: 2, until: 1_000) { _, _, _ in } == [10, 21, 42, 63, 104, 145, 226, 307, 468, 629, 930])
        #expect(departures(brokers: 3, until: 100) { _, _, _ in } == [10, 21, 32, 53, 74, 95])
        #expect(departures(brokers: 1, until: 1_300) { _, _, _ in } == [10, 31, 72, 153, 314, 615, 916, 1_217])
    }

    @Test(
        "A broker that delivers and only keeps the echoes back is given up rarely, and so is one that refuses them by name"
    )
    func delivers() {
        #expect(
            departures(brokers: 2, until: 1_000) { proof, second, now in
                proof.delivered(areRetained: second % 100 != 50, at: now)
            } == [10, 21, 42])
        #expect(
            departures(brokers: 2, until: 1_000) { proof, second, now in
                if second % 5 == 0, second > 10 { proof.echoRefused(at: now) }
            } == [10])
    }

    @Test(
        "A broker is not left while it delivers what it has kept, for a minute at most, unless the connections are apart"
    )
    func backlog() {
        func departures(until end: Int, areApart: Bool = false) -> [Int] {
            var proof = subscribed()
            return (0...1_000).filter { second in
                let now = start + .seconds(second)
                if second <= end { proof.delivered(areRetained: false, at: now) }
                _ = proof.ask(isWanted: true, number: UInt64(second), wall: 0, at: now)
                return proof.givesUp(areApart: areApart, at: now) != nil
            }
        }
        #expect(departures(until: 40).first == 50)
        #expect(departures(until: 1_000) == [60])
        #expect(departures(until: 1_000, areApart: true) == [10])
    }

    @Test("An echo that could not be published owes nothing, and no broker is left while none can be")
    func unsent() throws {
        var proof = subscribed()
        for second in 0..<60 {
            let now = start + .seconds(second)
            let asked = proof.ask(isWanted: true, number: UInt64(second), wall: 0, at: now)
            proof.echoUnsent(try #require(asked), at: now)
            #expect(proof.silence(at: now) == nil && !proof.isSilent && proof.givesUp(at: now) == nil)
        }
        let soon = start + .milliseconds(59_500)
        #expect(proof.ask(isWanted: true, number: 1, wall: 0, at: soon) == nil, "once a second")
        #expect(proof.ask(isWanted: true, canPublish: false, number: 1, wall: 0, at: start + .seconds(60)) == nil)
        let lost = proof.ask(isWanted: true, number: 1, wall: 0, at: start + .seconds(60))
        #expect(lost != nil)
        let later = start + .seconds(75)
        #expect(proof.ask(isWanted: true, canPublish: false, number: 2, wall: 0, at: later) == nil)
        #expect(proof.isSilent)
        #expect(proof.givesUp(canPublish: false, at: later) == nil)
        #expect(proof.givesUp(at: later) == 1)
    }

    @Test("Echoes that break their connection several times in a row count as refused, those that seldom do as lost")
    func broken() {
        /// The seconds at which an echo was asked for; after a pause it breaks its connection.
        func asked(
            pause: Duration = .zero, isAcknowledged: Bool = true, until end: Int, breaks: (Int) -> Bool = { _ in true }
        ) -> [Int] {
            var proof = subscribed()
            let asked = (0...end).filter { second in
                let now = start + .seconds(second)
                guard let echo = proof.ask(isWanted: true, number: UInt64(second), wall: 0, at: now) else {
                    return false
                }
                if !isAcknowledged { proof.echoUnsent(echo, at: now) }
                if breaks(second) { proof.publisherLost(at: now + pause) }
                return true
            }
            #expect(proof.isSilent == (end > 8))
            return asked
        }
        #expect(asked(until: 700) == [0, 1, 2, 302, 602])
        #expect(asked(isAcknowledged: false, until: 700) == [0, 1, 2, 302, 602])
        #expect(asked(pause: .milliseconds(1_001), until: 8) == Array(0...8))
        #expect(asked(until: 20) { $0 != 2 }.count == 6)
    }

    @Test("What others write there is no proof", arguments: ["", "zz", "-1", "00000000000000000000000000000007", "7 "])
    func garbage(payload: String) {
        var proof = subscribed()
        _ = proof.ask(isWanted: true, number: 7, wall: 1000, at: start)
        #expect(proof.echoReceived(Array(payload.utf8), at: start) == nil)
    }
}
