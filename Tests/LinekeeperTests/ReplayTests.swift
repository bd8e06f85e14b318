import Foundation
import Primitives
import TestFixtures
import Testing

extension EndToEnd {
    /// The alarms that a plain evaluation of a recording predicts are the alarms in the journal, one for one.
    @Suite("Replay of a recording")
    struct ReplayTests {
        /// The alarms of these stories, in the configuration's words and in the plain evaluation's.
        private static let alarms = """
            alarms:
              - name: pressureHigh
                tags: +/+/+/Pressure
                high: { limit: 0.38, priority: high }
                deadband: 0.05
              - name: flowLow
                tags: +/+/+/Volume Flow RateRMS
                low: { limit: 31.5, priority: critical }
                deadband: 0.2

            """
        private static let plain: [(alarm: String, column: String, evaluation: PlainEvaluation)] = [
            ("pressureHigh", "Pressure", PlainEvaluation(high: 0.38, deadband: 0.05)),
            ("flowLow", "Volume Flow RateRMS", PlainEvaluation(low: 31.5, deadband: 0.2)),
        ]

        @Test("a synthetic recording of a water circuit", .timeLimit(.minutes(3)))
        func synthetic() async throws {
            try await Stage.play("replay-synthetic") { stage in
                var random = SeededRandom(seed: Run.seed)
                var lines = ["datetime;Accelerometer1RMS;Pressure;Temperature;Volume Flow RateRMS;anomaly"]
                for second in 0..<900 {
                    let wave = sin(Double(second) / 40)
                    let pressure = 0.2 + 0.2 * wave + Double.random(in: -0.1...0.1, using: &random)
                    let flow = 32 - 0.6 * wave + Double.random(in: -0.3...0.3, using: &random)
                    let time = String(
                        format: "2020-03-09 %02d:%02d:%02d", 10 + second / 3600, second / 60 % 60, second % 60)
                    lines.append("\(time);0.02\(second % 100);\(Self.rounded(pressure));79.3;\(Self.rounded(flow));0.0")
                }
                let file = try stage.scratch.write(lines.joined(separator: "\n") + "\n", to: "synthetic.csv")
                try await replay(file, on: stage)
            }
        }

        @Test(
            "the SKAB test bed, valve1/0.csv",
            .enabled(if: recording != nil, "the recording lies beside this repository or not"),
            .timeLimit(.minutes(3)))
        func skab() async throws {
            try await Stage.play("replay-skab") { stage in try await replay(try #require(Self.recording), on: stage) }
        }

        private func replay(_ file: String, on stage: Stage) async throws {
            // Given a gateway with limits on two of the recording's sensors,
            let broker = try await stage.broker()
            let tree = try await stage.treeServer()
            let configuration = PlantConfiguration(
                broker: broker.url, tree: .servers(tree.connectString), alarms: Self.alarms)
            let gateway = try stage.gateway("gw-a", configuration)
            let reader = try await stage.reader(configuration)
            try await Conditions.standing(["gw-a"], reader)

            // when the recording is replayed as fast as the broker takes it,
            let outcome = try await stage.call(
                ["replay", file, "--speed", "max", "--topic", Self.device], of: gateway, within: .seconds(120))
            #expect(outcome.status == 0, "\(outcome)")

            // then the journal holds what a plain evaluation of the same file says, and the tags the last line.
            let table = try Self.read(file)
            var total = 0
            for (alarm, column, start) in Self.plain {
                var evaluation = start
                let values = try #require(table[column])
                for value in values { evaluation.add(value) }
                #expect(evaluation.changes.count > 4, "the recording moves \(alarm)")
                total += evaluation.changes.count
                let tag = Self.device + "/" + column
                try await Conditions.journalHolds([tag: evaluation.changes], reader, alarm: alarm)
                let last = try #require(values.last)
                try await eventually("the last value of \(column)") { try await reader.tag(tag)?.v?.number == last }
            }
            print("replay of \(file): \(total) alarm transitions, all as predicted")
        }

        private static let device = "factory/skab/valve1"

        /// The recording, when it lies where it does in a checkout with its data beside it.
        private static let recording: String? = {
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            let file = root.deletingLastPathComponent().path + "/shared/data/skab/valve1/0.csv"
            return FileManager.default.isReadableFile(atPath: file) ? file : nil
        }()

        /// Columns of a semicolon-separated file by name, numbers only: written for this test, without the product's reader.
        private static func read(_ file: String) throws -> [String: [Double]] {
            let lines = try String(contentsOfFile: file, encoding: .utf8).split(whereSeparator: \.isNewline)
            let header = try #require(lines.first).split(separator: ";").map(String.init)
            var table: [String: [Double]] = [:]
            for line in lines.dropFirst() {
                for (name, field) in zip(header, line.split(separator: ";")) {
                    if let value = Double(field) { table[name, default: []].append(value) }
                }
            }
            return table
        }

        private static func rounded(_ value: Double) -> Double { (value * 10_000).rounded() / 10_000 }
    }
}
