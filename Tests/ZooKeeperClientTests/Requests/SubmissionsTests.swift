import NIOCore
import Testing
import ZooKeeperProtocol

@testable import ZooKeeperClient

@Suite("Submissions")
struct SubmissionsTests {
    private func call(bytes: Int = 10) -> PendingCall {
        PendingCall(
            operation: .setData, path: "/a", deadline: .now + .seconds(5),
            frame: ByteBuffer(repeating: 0, count: bytes))
    }

    private func refusal(_ outcome: Submissions.Outcome) -> ErrorCode? {
        if case .refused(let error) = outcome { error.code } else { nil }
    }

    private func wakes(_ outcome: Submissions.Outcome) -> Bool {
        if case .wakes = outcome { true } else { false }
    }

    @Test func wakesOnceUntilTheRequestsAreTaken() {
        let submissions = Submissions(maximumRequests: 10, maximumBytes: 1000)
        #expect(!submissions.update(.init(takesRequests: true)))
        #expect(wakes(submissions.add(call())))
        #expect(!wakes(submissions.add(call())))
        #expect(submissions.take().count == 2)
        #expect(submissions.take().isEmpty)
        #expect(wakes(submissions.add(call())))
    }

    /// What is not urgent waits for company, which takes it along, or for its time to be up; whatever took it meanwhile.
    @Test func whatIsNotUrgentWaitsForCompany() {
        let submissions = Submissions(maximumRequests: 10, maximumBytes: 1000)
        #expect(!submissions.update(.init(takesRequests: true)))
        guard case .wakesSoon = submissions.add(call(), .soon) else { return #expect(Bool(false)) }
        guard case .queued = submissions.add(call(), .soon) else { return #expect(Bool(false)) }
        #expect(submissions.lingering(isOver: false) == .goesOn)
        #expect(wakes(submissions.add(call())))
        #expect(submissions.lingering(isOver: false) == .hasCompany)
        #expect(submissions.take().count == 3)

        guard case .wakesSoon = submissions.add(call(), .soon) else { return #expect(Bool(false)) }
        // An answer came in between, and with it somebody who took it, but did not write it.
        #expect(submissions.take().count == 1)
        #expect(submissions.lingering(isOver: false) == .goesOn)
        #expect(submissions.lingering(isOver: true) == .isOver)
        guard case .wakesSoon = submissions.add(call(), .soon) else { return #expect(Bool(false)) }
    }

    /// Whoever wrote it need not be waited for; whoever only took it over has left the writing to the event loop.
    @Test func whatWasWrittenByItsCallerDoesNotLinger() {
        let submissions = Submissions(maximumRequests: 10, maximumBytes: 1000)
        #expect(!submissions.update(.init(takesRequests: true)))
        guard case .wakesSoon = submissions.add(call(), .soon) else { return #expect(Bool(false)) }
        guard case .queued = submissions.add(call(), .withNext) else { return #expect(Bool(false)) }
        #expect(wakes(submissions.add(call())))
        #expect(submissions.take(forWriting: true).count == 3)
        #expect(submissions.lingering(isOver: false) == .hasCompany)
        // And the next one lingers anew.
        guard case .wakesSoon = submissions.add(call(), .soon) else { return #expect(Bool(false)) }
    }

    @Test func withoutConnectionOrInAPauseNobodyIsWoken() {
        let submissions = Submissions(maximumRequests: 10, maximumBytes: 1000)
        #expect(!wakes(submissions.add(call())))
        // Handed in just before there was a connection: somebody has to come for it.
        #expect(submissions.update(.init(requests: 1, takesRequests: true)))
        #expect(submissions.take().count == 1)
        #expect(!submissions.update(.init(takesRequests: true, isPaused: true)))
        #expect(!wakes(submissions.add(call())))
        #expect(!submissions.update(.init(takesRequests: true, isPaused: true)))
    }

    @Test func countsWhatTheMachineHoldsAndWhatWaitsAgainstTheLimits() {
        let submissions = Submissions(maximumRequests: 5, maximumBytes: 100)
        _ = submissions.update(.init(requests: 3, bytes: 30, takesRequests: true))
        #expect(refusal(submissions.add(call(bytes: 71))) == .tooManyRequests)
        #expect(refusal(submissions.add(call(bytes: 10))) == nil)
        #expect(refusal(submissions.add(call(bytes: 10))) == nil)
        #expect(refusal(submissions.add(call(bytes: 10))) == .tooManyRequests)
        #expect(submissions.take().count == 2)
        _ = submissions.update(.init(requests: 2, bytes: 20, takesRequests: true))
        #expect(refusal(submissions.add(call(bytes: 80))) == nil)
    }

    @Test func afterTheEndEverythingIsRefusedAndWhatSlippedInIsSeen() {
        let submissions = Submissions(maximumRequests: 5, maximumBytes: 100)
        #expect(refusal(submissions.add(call())) == nil)
        #expect(submissions.update(.init(isClosed: true)))
        #expect(submissions.take().count == 1)
        #expect(refusal(submissions.add(call())) == .clientClosed)
    }
}
