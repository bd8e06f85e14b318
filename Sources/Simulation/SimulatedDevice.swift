import JSON
import Plant
import Primitives

/// One machine of the simulated plant: sensors that measure, commands that it obeys.
///
/// A pure value: time comes in as an argument, what it says comes out.
package struct SimulatedDevice: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case conveyor, press, pump, guardSwitch = "guard"
    }

    /// What a sensor delivers.
    enum Reading: Sendable, Equatable {
        case number(Double)
        case bool(Bool)
    }

    package let kind: Kind
    /// Topic prefix: `factory/line1/press1`.
    package let path: String

    private var signals: [(metric: String, signal: Signal)]
    private var trouble: Episodes
    var inbox = CommandInbox()

    /// Conveyor: the speed that was last asked for. Pump and press: unused.
    private(set) var setSpeed = 900.0
    private(set) var isRunning = true
    private(set) var cycles: Int64 = 0
    private var untilNextCycle = 0.0
    /// Commands carried out: a duplicate does not count.
    package private(set) var executed: UInt64 = 0

    /// - Parameter firstTrouble: when its first excursion begins, in milliseconds after the plant's start.
    init(kind: Kind, path: String, firstTrouble: Milliseconds? = nil, random: inout SeededRandom) {
        self.kind = kind
        self.path = path
        switch kind {
        case .conveyor:
            setSpeed = Double(Int.random(in: 16...22, using: &random)) * 50
            signals = [
                ("speed", Signal(setSpeed, inertia: 1.2, drift: 2, noise: 1.5, digits: 1, random: &random)),
                ("motorTemperature", Signal(58, inertia: 8, drift: 2.5, noise: 0.15, digits: 2, random: &random)),
                ("vibration", Signal(1.8, inertia: 2, drift: 0.2, noise: 0.12, digits: 3, random: &random)),
            ]
            trouble = Episodes(first: firstTrouble, pause: 90_000...240_000, length: 8000...20_000, random: &random)
        case .press:
            cycles = Int64.random(in: 10_000...90_000, using: &random)
            signals = [
                ("pressure", Signal(182, inertia: 0.8, drift: 3, noise: 1.5, digits: 1, random: &random)),
                ("temperature", Signal(66, inertia: 1.5, drift: 2, noise: 0.2, digits: 2, random: &random)),
            ]
            trouble = Episodes(first: firstTrouble, pause: 45_000...150_000, length: 8000...16_000, random: &random)
        case .pump:
            // Magnitudes of the SKAB water-circulation test bed.
            signals = [
                (
                    "accelerometer1",
                    Signal(0.0266, inertia: 1, drift: 0.0004, noise: 0.0004, digits: 5, random: &random)
                ),
                (
                    "accelerometer2",
                    Signal(0.0401, inertia: 1, drift: 0.0005, noise: 0.0005, digits: 5, random: &random)
                ),
                ("current", Signal(1.35, inertia: 1.5, drift: 0.08, noise: 0.12, digits: 3, random: &random)),
                ("pressure", Signal(2.4, inertia: 2, drift: 0.08, noise: 0.03, digits: 3, random: &random)),
                ("temperature", Signal(72, inertia: 30, drift: 1.5, noise: 0.1, digits: 2, random: &random)),
                ("thermocouple", Signal(26, inertia: 60, drift: 0.3, noise: 0.02, digits: 3, random: &random)),
                ("voltage", Signal(233, inertia: 1, drift: 1.5, noise: 4, digits: 1, random: &random)),
                ("flow", Signal(32, inertia: 1.5, drift: 0.4, noise: 0.3, digits: 2, random: &random)),
            ]
            trouble = Episodes(first: firstTrouble, pause: 60_000...180_000, length: 8000...18_000, random: &random)
        case .guardSwitch:
            signals = []
            trouble = Episodes(first: firstTrouble, pause: 40_000...120_000, length: 4000...9000, random: &random)
        }
    }

    /// How many messages one round of measurements makes.
    package var sensorCount: Int {
        switch kind {
        case .conveyor: signals.count
        case .press, .pump: signals.count + 1
        case .guardSwitch: 1
        }
    }

    /// One round of measurements, `seconds` after the last one.
    mutating func measure(elapsed: Milliseconds, after seconds: Double) -> [(metric: String, reading: Reading)] {
        let isInTrouble = trouble.isUnderWay(at: elapsed)
        var readings: [(metric: String, reading: Reading)] = []
        switch kind {
        case .conveyor:
            setTarget("speed", setSpeed)
            setTarget("motorTemperature", (isInTrouble ? 84 : 40 + setSpeed / 50))
            setTarget("vibration", (isInTrouble ? 5.2 : 0.6 + setSpeed / 750))
        case .press:
            setTarget("temperature", isInTrouble ? 90 : 66)
            untilNextCycle -= seconds
            while untilNextCycle <= 0 {
                cycles &+= 1
                untilNextCycle += 4
            }
            setTarget("pressure", untilNextCycle > 2.5 ? 182 : 24)
            readings.append(("cycles", .number(Double(cycles))))
        case .pump:
            setTarget("flow", isRunning ? (isInTrouble ? 21 : 32) : 0)
            setTarget("pressure", isRunning ? (isInTrouble ? 3.5 : 2.4) : 0)
            setTarget("current", isRunning ? (isInTrouble ? 2.1 : 1.35) : 0.02)
            setTarget("accelerometer1", isRunning ? (isInTrouble ? 0.041 : 0.0266) : 0.0012)
            setTarget("accelerometer2", isRunning ? (isInTrouble ? 0.056 : 0.0401) : 0.0014)
            setTarget("temperature", isRunning ? 72 : 40)
            readings.append(("running", .bool(isRunning)))
        case .guardSwitch:
            readings.append(("closed", .bool(!isInTrouble)))
        }
        for index in signals.indices {
            readings.append((signals[index].metric, .number(signals[index].signal.measure(after: seconds))))
        }
        return readings
    }

    private mutating func setTarget(_ metric: String, _ value: Double) {
        guard let index = signals.firstIndex(where: { $0.metric == metric }) else { return }
        signals[index].signal.target = value
    }

    // MARK: Commands

    /// Carries a command out and says what came of it.
    mutating func execute(_ name: String, parameters: JSONValue) -> CommandInbox.Outcome {
        switch (kind, name) {
        case (.conveyor, "setSpeed"):
            guard let rpm = parameters["rpm"]?.doubleValue else { return .error("rpm is missing") }
            guard (0...1800).contains(rpm) else { return .error("rpm must be from 0 to 1800") }
            setSpeed = rpm
        case (.press, "stroke"):
            cycles &+= 1
            untilNextCycle = 4
        case (.pump, "startPump"):
            guard !isRunning else { return .error("the pump is running already") }
            isRunning = true
        case (.pump, "stopPump"):
            guard isRunning else { return .error("the pump stands still already") }
            isRunning = false
        default:
            return .error("\(kind.rawValue) knows no command \(name)")
        }
        executed &+= 1
        return .ok
    }
}
