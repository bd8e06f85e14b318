import MQTT
import Testing

@testable import Simulation

@Suite("What a simulated plant counts")
struct SimulatedPlantTests {
    @Test("why messages were lost: the first refusal, else the first failure")
    func loss() {
        var counts = SimulatedPlant.Counts()
        counts.add(.init(sent: 3))
        #expect(counts.error == nil)
        counts.add(.init(failed: 1, error: .notConnected))
        counts.add(.init(failed: 1, error: .connectionLost))
        #expect(counts.error == .notConnected)
        counts.add(.init(failed: 1, error: .refused(.notAuthorized)))
        counts.add(.init(failed: 1, error: .refused(.quotaExceeded)))
        counts.add(.init(failed: 1, error: .connectionLost))
        #expect(counts.error == .refused(.notAuthorized))
        #expect(counts.sent == 3 && counts.failed == 5)
    }
}
