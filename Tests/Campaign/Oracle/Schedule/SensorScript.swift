import Primitives

/// What one topic of a round publishes, and when: the part of the traffic that needs no fault.
package struct SensorScript: Sendable {
    package struct Step: Sendable {
        /// Counted from the first sample of the round.
        package let at: Duration
        package let value: Double
    }

    package let topic: String
    package let rule: AlarmRule?
    /// Whether payloads carry a time.
    package let hasSourceTime: Bool
    /// Publishes nothing after the fault has begun, whatever its kind: what stands then must alarm, what runs must end.
    package let fallsSilent: Bool
    package let steps: [Step]
}

/// The plant of every round: machines with one topic for each alarm rule and one that only counts.
package enum CampaignPlant {
    package static let devices = 8
    /// So many of them fall silent when the fault begins.
    private static let silent = 2
    /// How long scripts go on; the shell ends them earlier.
    private static let length = 60_000
    /// The level that spikes come from and go back to.
    package static let calm = 51.0
    package static let hot = 90.0

    package static let overtemperature = AlarmRule(
        name: "overtemperature", metric: "temperature", limits: [85, 95], deadband: 2)
    package static let vibration = AlarmRule(name: "vibration", metric: "vibration", limits: [50], onDelay: 500)
    package static let level = AlarmRule(name: "level", metric: "level", limits: [70], deadband: 1, offDelay: 500)
    package static let flow = AlarmRule(
        name: "lowFlow", metric: "flow", side: .low, limits: [20], deadband: 1, onDelay: 300, offDelay: 300)
    /// Its delays outlast a rolling restart of two gateways. Published by the faults that need it: a round waits for its end.
    package static let torque = AlarmRule(
        name: "torque", metric: "torque", limits: [50], deadband: 1, onDelay: 3500, offDelay: 3500)
    /// Watches what comes without a time of its own.
    package static let plain = AlarmRule(name: "plainHigh", metric: "plain", limits: [85])
    package static let rules = [overtemperature, vibration, level, flow, torque, plain]

    package static func device(_ number: Int) -> String { "factory/line\(number % 3 + 1)/machine\(number + 1)" }

    package static func scripts(_ plan: RoundPlan) -> [SensorScript] {
        (0..<devices).flatMap { number -> [SensorScript] in
            var random = plan.random("sensors \(number)")
            let path = device(number)
            let fallsSilent = number >= devices - silent
            return [
                SensorScript(
                    topic: path + "/temperature", rule: overtemperature, hasSourceTime: true,
                    fallsSilent: fallsSilent, steps: temperature(&random)),
                SensorScript(
                    topic: path + "/vibration", rule: vibration, hasSourceTime: true,
                    fallsSilent: fallsSilent,
                    steps: runs(&random, beyond: 60...80, calm: 10...40, [100, 150, 300, 700, 900], [100, 250, 500])),
                SensorScript(
                    topic: path + "/level", rule: level, hasSourceTime: true,
                    fallsSilent: fallsSilent,
                    steps: runs(&random, beyond: 75...90, calm: 20...60, [80, 200, 400], [100, 250, 700, 900, 1200])),
                SensorScript(
                    topic: path + "/flow", rule: flow, hasSourceTime: true,
                    fallsSilent: fallsSilent,
                    steps: runs(&random, beyond: 2...15, calm: 30...60, [100, 180, 450, 700], [100, 180, 450, 700])),
                SensorScript(
                    topic: path + "/torque", rule: torque, hasSourceTime: true, fallsSilent: fallsSilent, steps: []),
                SensorScript(
                    topic: path + "/count", rule: nil, hasSourceTime: true, fallsSilent: false, steps: count(&random)),
            ]
        } + [
            SensorScript(
                topic: "plain/machine1/plain", rule: plain, hasSourceTime: false, fallsSilent: false,
                steps: plainSteps)
        ]
    }

    /// Far apart: a sample without a time of its own that is heard twice counts twice, unless the one before it is equal.
    private static var plainSteps: [SensorScript.Step] {
        stride(from: 300, to: length, by: 1500).enumerated().map {
            SensorScript.Step(at: .milliseconds($0.element), value: $0.offset % 2 == 0 ? hot : calm)
        }
    }

    /// A random walk among calm, hot and very hot, with spikes that last a millisecond.
    private static func temperature(_ random: inout SeededRandom) -> [SensorScript.Step] {
        var steps: [SensorScript.Step] = []
        var at = Int.random(in: 0...100, using: &random)
        while at < length {
            switch Int.random(in: 0..<10, using: &random) {
            case 0...2:
                steps.append(.init(at: .milliseconds(at), value: hot + tenths(0...30, &random)))
                steps.append(.init(at: .milliseconds(at), value: calm + tenths(0...90, &random)))
            case 3: steps.append(.init(at: .milliseconds(at), value: 96 + tenths(0...90, &random)))
            // Within the deadband: neither beyond nor returned.
            case 4: steps.append(.init(at: .milliseconds(at), value: 84))
            case 5: steps.append(.init(at: .milliseconds(at), value: hot + tenths(0...40, &random)))
            default: steps.append(.init(at: .milliseconds(at), value: calm + tenths(0...300, &random)))
            }
            at += Int.random(in: 60...180, using: &random)
        }
        return steps
    }

    /// Runs beyond a limit and calm ones, of lengths that lie clear of the delays.
    private static func runs(
        _ random: inout SeededRandom, beyond: ClosedRange<Int>, calm: ClosedRange<Int>, _ beyondLengths: [Int],
        _ calmLengths: [Int]
    ) -> [SensorScript.Step] {
        var steps: [SensorScript.Step] = []
        var at = Int.random(in: 0...300, using: &random)
        var isBeyond = false
        while at < length {
            let range = isBeyond ? beyond : calm
            let value = Double(Int.random(in: range, using: &random)) + tenths(0...9, &random)
            steps.append(.init(at: .milliseconds(at), value: value))
            at += (isBeyond ? beyondLengths : calmLengths).randomElement(using: &random) ?? 100
            isBeyond.toggle()
        }
        return steps
    }

    private static func count(_ random: inout SeededRandom) -> [SensorScript.Step] {
        let offset = Int.random(in: 0...20, using: &random)
        return stride(from: offset, to: length, by: 25).enumerated().map {
            .init(at: .milliseconds($0.element), value: Double($0.offset + 1))
        }
    }

    private static func tenths(_ range: ClosedRange<Int>, _ random: inout SeededRandom) -> Double {
        Double(Int.random(in: range, using: &random)) / 10
    }
}
