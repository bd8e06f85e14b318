import TestFixtures

@testable import Gateway

extension GatewayClock {
    /// A clock that stands still until the test advances it.
    init(_ fake: FakeClock) {
        self.init(wall: { fake.wall }, now: { fake.now }, sleep: { try await fake.sleep(for: $0) })
    }
}
