import Synchronization

/// What this gateway has counted since it started; shown by `linekeeper status`.
final class GatewayCounters: Sendable {
    /// One counter that any thread may add to.
    final class Counter: Sendable {
        private let value = Atomic<UInt64>(0)

        func add(_ count: Int = 1) {
            guard count > 0 else { return }
            value.add(UInt64(count), ordering: .relaxed)
        }

        var current: UInt64 { value.load(ordering: .relaxed) }
    }

    let tagWrites = Counter()
    let mirrorFlushes = Counter()
    let transitionsRecorded = Counter()
    let announced = Counter()
    let takeovers = Counter()
    let fencedWrites = Counter()

    init() {}

    /// Names and values as they stand in the gateway's node.
    var all: [(name: String, value: UInt64)] {
        [
            ("tagWrites", tagWrites.current), ("mirrorFlushes", mirrorFlushes.current),
            ("transitionsRecorded", transitionsRecorded.current), ("announced", announced.current),
            ("takeovers", takeovers.current), ("fencedWrites", fencedWrites.current),
        ]
    }
}
