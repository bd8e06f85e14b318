import ArgumentParser
import Logging
import MQTT
import Plant
import PlantClient
import PlantConfiguration
import Simulation
import UnixSignals

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Publish the sensors of a small plant that never was, and obey its commands.",
        discussion: """
            The plant has conveyors (speed, motorTemperature, vibration), presses (pressure, cycles, temperature), a \
            water pump with eight sensors, and a guard switch a line, on topics factory/line1/conveyor1/speed and so \
            on, as {"v":value,"ts":time}. Values drift and are noisy. Now and then something happens: a press overheats \
            (the first time a few seconds after the start), the pump's pipe blocks, the guard is opened, and one \
            conveyor loses its connection, so that its last will on <device>/status says offline.

            Devices obey commands on <device>/cmd/<name> and answer on <device>/ack: conveyors setSpeed {"rpm":…}, \
            presses stroke, the pump startPump and stopPump. They carry a command id out once, and refuse what comes \
            after its deadline or from a gateway of an older epoch.

            The same --seed gives the same plant.

            Exit status 3 when the broker refuses messages, or none reaches it.

            Examples:

              linekeeper simulate
              linekeeper simulate --devices 200 --rate 10
              linekeeper simulate --broker mqtt://127.0.0.1:1884 --seed 7
            """)

    @OptionGroup var broker: BrokerOptions

    @Option(name: .long, help: ArgumentHelp("How many machines.", valueName: "n"))
    var devices = 8

    @Option(name: .long, help: ArgumentHelp("Measurements a second of every sensor.", valueName: "r"))
    var rate = 2.0

    @Option(name: .long, help: ArgumentHelp("Chooses one of many plants.", valueName: "n"))
    var seed: UInt64 = 1

    @Option(name: .long, help: ArgumentHelp("Stop after this time instead of on Ctrl-C.", valueName: "duration"))
    var duration: String?

    @Flag(name: .shortAndLong, help: "Print nothing about what happens.")
    var quiet = false

    func validate() throws {
        guard (1...10_000).contains(devices) else {
            throw ValidationError("--devices is \(devices); expected 1 to 10000")
        }
        guard rate > 0, rate <= 1000 else {
            throw ValidationError("--rate is \(rate); expected more than 0, at most 1000")
        }
        guard duration.map({ DurationSyntax.parse($0) != nil }) ?? true else {
            throw ValidationError("--duration is \"\(duration ?? "")\"; expected a duration such as 30s or 5m")
        }
    }

    func run() async throws {
        let model = PlantModel(devices: devices, rate: rate, seed: seed, start: WallClock.now())
        let settings = try broker.settings()
        let plant = try SimulatedPlant(
            model: model, settings: settings.clientConfiguration(purpose: "simulate"), logger: .quiet,
            now: WallClock.now
        ) { [quiet] text in
            if !quiet { Terminal.line(Style.dim.applied(to: printable(text))) }
        }
        let end = duration.flatMap(DurationSyntax.parse).map { ContinuousClock.now + $0 }
        if !quiet {
            Terminal.line(
                "\(HumanText.count(model.devices.count, "device")), \(HumanText.number(model.messageRate)) messages per second, at \(settings.brokersInWords); Ctrl-C stops"
            )
        }
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await plant.run(until: end) }
            group.addTask {
                for await _ in signals { break }
                // Not cancelled: the devices say first that they go.
                plant.stop()
                try? await Task.sleep(for: .seconds(3600))
            }
            try await group.next()
            group.cancelAll()
        }
        let counts = plant.counts
        if !quiet {
            Terminal.line(
                "\(HumanText.count(counts.sent, "message")) published, \(HumanText.count(Int64(counts.failed))) lost, \(HumanText.count(counts.commands, "command")) received"
            )
        }
        guard counts.failed > 0 else { return }
        // The device that drops out loses some, as it should.
        if case .refused? = counts.error { throw CommandFailure.lost(counts.failed, counts.error) }
        if counts.sent == 0 { throw CommandFailure.lost(counts.failed, counts.error) }
    }
}
