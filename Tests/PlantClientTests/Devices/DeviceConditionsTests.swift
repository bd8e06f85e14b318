import JSON
import Plant
import Testing

@testable import PlantClient

@Suite("Which devices are asked for")
struct DeviceConditionsTests {
    private static func device(
        _ state: DeviceState, since: Milliseconds = 1_000, flapping: Milliseconds? = nil, route: String = "machines",
        isOrphaned: Bool = false
    ) -> ListedDevice {
        ListedDevice(
            record: DeviceRecord(
                device: "d", route: route, firstSeen: 1, state: state, since: since, flapping: flapping),
            json: .null, isOrphaned: isOrphaned)
    }

    private static func holds(_ device: ListedDevice, _ change: (inout DeviceConditions) -> Void) -> Bool {
        var conditions = DeviceConditions()
        change(&conditions)
        return conditions.holds(for: device)
    }

    @Test("what is not said lets all pass")
    func none() {
        for state in DeviceState.allCases {
            #expect(DeviceConditions().holds(for: Self.device(state)))
            #expect(DeviceConditions().holds(for: Self.device(state, flapping: 1, route: "", isOrphaned: true)))
        }
        #expect(DeviceConditions().text == nil)
    }

    @Test("each condition by itself")
    func each() {
        #expect(Self.holds(Self.device(.stale)) { $0.states = [.offline, .stale] })
        #expect(!Self.holds(Self.device(.online)) { $0.states = [.offline, .stale] })
        #expect(Self.holds(Self.device(.stale, flapping: 1)) { $0.isFlapping = true })
        #expect(!Self.holds(Self.device(.stale)) { $0.isFlapping = true })
        #expect(Self.holds(Self.device(.stale)) { $0.route = "machines" })
        #expect(!Self.holds(Self.device(.stale, route: "machines2")) { $0.route = "machines" })
        #expect(Self.holds(Self.device(.stale, isOrphaned: true)) { $0.isOrphaned = true })
        #expect(!Self.holds(Self.device(.stale)) { $0.isOrphaned = true })
    }

    @Test(
        "a state that has lasted for exactly the time has lasted long enough, one of the future has not",
        arguments: [(11_000, true), (10_999, false), (500, false)])
    func lasting(now: Milliseconds, holds: Bool) {
        #expect(Self.holds(Self.device(.offline)) { $0.lasting = .init(.seconds(10), at: now) } == holds)
    }

    @Test("times that no clock shows trap nothing")
    func extremes() {
        for since in [Milliseconds.min, .max] {
            for now in [Milliseconds.min, .max] {
                let holds = Self.holds(Self.device(.offline, since: since)) { $0.lasting = .init(.seconds(1), at: now) }
                #expect(holds == (now > since))
            }
        }
    }

    @Test("all that are said must hold, and are said in words")
    func all() {
        func change(_ conditions: inout DeviceConditions) {
            conditions.states = [.offline, .stale]
            conditions.isFlapping = true
            conditions.isOrphaned = true
            conditions.route = "machines"
            conditions.lasting = .init(.seconds(600), at: 1_000_000)
        }
        #expect(Self.holds(Self.device(.stale, flapping: 1, isOrphaned: true), change))
        #expect(!Self.holds(Self.device(.stale, since: 999_999, flapping: 1, isOrphaned: true), change))
        #expect(!Self.holds(Self.device(.online, flapping: 1, isOrphaned: true), change))
        var conditions = DeviceConditions()
        change(&conditions)
        #expect(
            conditions.text
                == "offline or stale, and flapping, and orphaned, and of route machines, and in its state for 10m")
    }
}
