import CampaignOracle
import Synchronization
import TestFixtures

/// All sensors of a round and the connection that they share.
final class Sensors: Sendable {
    let all: [Sensor]
    private let link: BrokerLink
    private let tasks = Mutex<[Task<Void, Never>]>([])
    private struct Playing {
        var all = false
        /// Those that fall silent have not yet.
        var silent = true
    }

    private let playing = Mutex(Playing())

    init(port: Int, scripts: [SensorScript]) async throws {
        all = scripts.map(Sensor.init)
        // A broker that returns is used at once: what is measured is the gateways' return.
        let link = try await BrokerLink(
            port: port, clientID: "campaign-sensors", longestPause: .milliseconds(50))
        self.link = link
        // Loose tasks: they end with ``close()``, which the round's stage calls.
        let running = all.map { sensor in Task { await sensor.run(link) } }
        tasks.withLock { $0 += running }
    }

    /// Begins to play the scripts.
    func start() {
        resume()
        let start = ContinuousClock.now
        let players = all.map { sensor in
            Task {
                await sensor.play(from: start) {
                    self.playing.withLock { $0.all && ($0.silent || !sensor.script.fallsSilent) }
                }
            }
        }
        tasks.withLock { $0 += players }
    }

    /// Stops the scripts and returns when all that was sent is acknowledged.
    func hush() async throws {
        mute()
        try await eventually("what was published is acknowledged", within: .seconds(30), every: .milliseconds(2)) {
            all.allSatisfy(\.isQuiet)
        }
    }

    /// Stops the scripts at once; what is on its way goes on.
    func mute() { playing.withLock { $0.all = false } }

    /// The scripts go on, where they would be by now.
    func resume() { playing.withLock { $0.all = true } }

    /// Those that fall silent do.
    func faultBegins() { playing.withLock { $0.silent = false } }

    /// Sends the same values on every topic of that metric, on all at a time.
    func send(_ metric: String, _ values: [Double]) async {
        await withTaskGroup(of: Void.self) { group in
            for sensor in all where sensor.topic.hasSuffix("/" + metric) { group.addTask { await sensor.send(values) } }
        }
    }

    /// One calm value everywhere: where every alarm's story begins.
    func begin() async {
        for metric in ["temperature", "vibration", "level", "flow", "torque", "plain", "count"] {
            await send(metric, [metric == "count" ? 0 : metric == "flow" ? 40 : 30])
        }
    }

    var published: Int { all.map(\.published.count).reduce(0, +) }

    /// Nobody waits for them any more.
    func end() { for sensor in all { sensor.end() } }

    func close() async {
        end()
        let running = tasks.withLock { $0 }
        for task in running { task.cancel() }
        await link.close()
        for task in running { await task.value }
    }
}
