import Plant
import Primitives

/// Things that happen to a device now and then: an overheating, a blocked pipe, an opened guard, a lost connection.
///
/// A seeded schedule: the same seed gives the same times, whenever it is asked.
struct Episodes: Sendable {
    /// When the next (or present) episode begins and ends, in milliseconds since the plant's start.
    private var begins: Milliseconds
    private var ends: Milliseconds
    private let pause: ClosedRange<Milliseconds>
    private let length: ClosedRange<Milliseconds>
    private var random: SeededRandom

    /// - Parameters:
    ///   - first: when the first one begins; nil: after a pause.
    ///   - pause: time between the end of one and the beginning of the next.
    ///   - length: how long one lasts.
    init(
        first: Milliseconds? = nil, pause: ClosedRange<Milliseconds>, length: ClosedRange<Milliseconds>,
        random: inout SeededRandom
    ) {
        self.pause = pause
        self.length = length
        self.random = random.fork()
        begins = first ?? Milliseconds.random(in: pause, using: &self.random)
        ends = begins &+ Milliseconds.random(in: length, using: &self.random)
    }

    /// Whether one is under way. `elapsed` never goes back.
    mutating func isUnderWay(at elapsed: Milliseconds) -> Bool {
        while elapsed >= ends {
            begins = ends &+ Milliseconds.random(in: pause, using: &random)
            ends = begins &+ Milliseconds.random(in: length, using: &random)
        }
        return elapsed >= begins
    }
}
