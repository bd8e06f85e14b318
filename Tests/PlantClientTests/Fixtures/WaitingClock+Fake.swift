import TestFixtures

@testable import PlantClient

extension WaitingClock {
    /// A clock that stands still until the test advances it.
    init(_ fake: FakeClock) {
        self.init(now: { fake.now }, sleep: { try await fake.sleep(for: $0) })
    }
}
