import Synchronization
import Testing

@testable import Gateway

@Suite struct AcknowledgementGateTests {
    private final class Released: Sendable {
        let values = Mutex<[UInt64]>([])
        func gate() -> AcknowledgementGate {
            AcknowledgementGate { value in self.values.withLock { $0.append(value) } }
        }
        var all: [UInt64] { values.withLock { $0 } }
    }

    @Test func aBatchLeavesOnlyWhenBothPartiesHaveIt() {
        let released = Released()
        let gate = released.gate()
        gate.passed(.mirror, through: 3)
        #expect(released.all == [])
        gate.passed(.alarms, through: 2)
        #expect(released.all == [2])
        gate.passed(.alarms, through: 5)
        #expect(released.all == [2, 3])
    }

    @Test func nothingIsReleasedTwiceOrTakenBack() {
        let released = Released()
        let gate = released.gate()
        gate.passed(.mirror, through: 4)
        gate.passed(.alarms, through: 4)
        gate.passed(.alarms, through: 1)
        gate.passed(.mirror, through: 0)
        gate.passed(.mirror, through: 4)
        #expect(released.all == [4])
    }
}
