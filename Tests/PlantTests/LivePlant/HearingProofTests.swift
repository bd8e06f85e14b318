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
        hasAlternatives: Bool, until end: Int, _ meanwhile: (inout HearingProof, Int, ContinuousClock.Instant) -> Void
    ) -> [Int] {
        var proof = HearingProof(hasAlternatives: hasAlternatives)
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
        "A broker that delivers nothing is given up again and again: of a list each ten seconds, alone ever more rarely"
    )
    func departures() {
        #expect(departures(hasAlternatives: true, until: 60) { _, _, _ in } == [10, 21, 32, 43, 54])
        #expect(
            departures(hasAlternatives: false, until: 1_300) { _, _, _ in } == [10, 31, 72, 153, 314, 615, 916, 1_217])
    }

    @Test(
        "A broker that delivers and only keeps the echoes back is given up rarely, and so is one that refuses them by name"
    )
    func delivers() {
        #expect(
            departures(hasAlternatives: true, until: 1_000) { proof, second, now in
                proof.delivered(areRetained: second % 100 != 50, at: now)
            } == [10, 21, 32, 43])
        #expect(
            departures(hasAlternatives: true, until: 1_000) { proof, second, now in
                if second % 5 == 0, second > 10 { proof.echoRefused(at: now) }
            } == [10])
    }

    @Test("A broker that does not answer the subscriptions is silent, too, but for one that is still at it")
    func subscribing() {
        var proof = HearingProof()
        proof.subscribing(at: start)
        for second in 1...29 {
            let now = start + .seconds(second)
            if second < 20 { proof.delivered(areRetained: true, at: now) }
            #expect(proof.ask(isWanted: true, number: 1, wall: 0, at: now) == nil)
            #expect((proof.givesUp(at: now) == 1) == (second == 29))
        }
        proof.subscribed()
        #expect(proof.ask(isWanted: true, number: 1, wall: 0, at: start + .seconds(30)) != nil)
    }

    @Test("What others write there is no proof", arguments: ["", "zz", "-1", "00000000000000000000000000000007", "7 "])
    func garbage(payload: String) {
        var proof = subscribed()
        _ = proof.ask(isWanted: true, number: 7, wall: 1000, at: start)
        #expect(proof.echoReceived(Array(payload.utf8), at: start) == nil)
    }
}
