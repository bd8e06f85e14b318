import ArgumentParser
import FoundationEssentials
import Logging
import MQTT
import Plant
import PlantClient
import PlantConfiguration
import Simulation

struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Publish a recording as if its sensors were here.",
        discussion: """
            The file is CSV with a header: one column of times (datetime, timestamp, time, ts or date; otherwise the \
            first) and any number of sensors; or, in the long layout, a time, a sensor (tagname, tag, sensor, …) and its \
            value (tagval, value, …) a line. Separators (; , tab) are told from the header. Each value goes to \
            PREFIX/<column> as {"v":value,"ts":time}, with QoS 1. Names are kept as they are, spaces too; / + # and \
            control characters become _.

            Dates may have the year first or last, numbers a decimal comma. Where the file leaves open whether 1/2/2024 \
            is in January, or whether "1,234" is more than a thousand, --dates or --decimal says it.

            Times are shifted to the present and scaled with the speed, so that the recording happens now, always in \
            the order of the file. With --speed max each row carries the time at which it is sent.

            Cells that are no numbers, columns without any number and lines without a time are left out, counted and \
            reported at the end.

            Examples:

              linekeeper replay valve1/0.csv
              linekeeper replay valve1/0.csv --speed 10 --topic factory/line1/pump1
              linekeeper replay export.csv --dates day-first --decimal comma
              linekeeper replay machine_temperature_system_failure.csv --speed max --broker mqtt://127.0.0.1:1884
            """)

    @OptionGroup var broker: BrokerOptions

    @Argument(help: ArgumentHelp("The recording.", valueName: "file.csv"))
    var file: String

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How fast: 1 is the recording's own pace, max as fast as the broker takes it.", valueName: "x|max"))
    var speed = "1"

    @Option(
        name: .long,
        help: ArgumentHelp("What the topics begin with. Default: factory/replay/<file's name>.", valueName: "prefix"))
    var topic: String?

    @Option(
        name: .long,
        help: ArgumentHelp("What dates with the year last begin with.", valueName: "day-first|month-first"))
    var dates: RecordedTime.DateOrder?

    @Option(name: .long, help: ArgumentHelp("The decimal sign of the file's numbers.", valueName: "point|comma"))
    var decimal: RecordedNumber.DecimalSign?

    @Option(
        name: .long,
        help: ArgumentHelp("Whether a line has one value of each sensor, or one of one sensor.", valueName: "wide|long")
    )
    var layout: Recording.Layout?

    @Flag(name: .shortAndLong, help: "Print no progress.")
    var quiet = false

    func validate() throws {
        guard ReplaySchedule.Speed(speed) != nil else {
            throw ValidationError("--speed is \"\(speed)\"; expected a number greater than 0, or max")
        }
        do { _ = try TagPath(prefix) } catch { throw ValidationError("--topic is \"\(prefix)\": \(error)") }
    }

    /// `factory/replay/valve1-0` for `…/valve1/0.csv`: a bare number says too little.
    var prefix: String {
        if let topic { return topic.hasSuffix("/") ? String(topic.dropLast()) : topic }
        let parts = file.split(separator: "/")
        var name = parts.last.map(String.init) ?? file
        if let dot = name.lastIndex(of: "."), dot != name.startIndex { name = String(name[..<dot]) }
        if name.allSatisfy(\.isNumber), parts.count > 1 { name = parts[parts.count - 2] + "-" + name }
        return "factory/replay/" + Recording.topicLevel(name)
    }

    func run() async throws {
        let recording = try readRecording()
        let settings = try broker.settings()
        var client = try settings.clientConfiguration(purpose: "replay")
        client.maxInFlightPublishes = 1000
        let topics = recording.columns.map { "\(prefix)/\($0.topicLevel)" }
        let replay = RecordingReplay(
            recording, topics: topics, speed: ReplaySchedule.Speed(speed) ?? .times(1), now: WallClock.now)
        if !quiet {
            Terminal.errorLine(
                "\(file): \(HumanText.count(recording.rows.count, "row")) of \(HumanText.count(topics.count, "sensor")) to \(settings.brokersInWords), topics \(prefix)/…"
            )
        }
        let command = self
        let configuration = client
        try await untilInterrupted {
            let summary = try await MQTTClient.connected(configuration, logger: .quiet) { client in
                await replay.run(by: client) { command.report(progress: $0, of: recording.rows.count) }
            }
            try command.report(summary, recording)
        }
    }

    private func readRecording() throws -> Recording {
        let bytes: [UInt8]
        do { bytes = Array(try Data(contentsOf: URL(filePath: file))) } catch {
            throw CommandFailure(.no, "\(file) cannot be read; name a CSV file, such as the SKAB or NAB recordings")
        }
        do {
            return try Recording(parsing: bytes, options: .init(dates: dates, decimal: decimal, layout: layout))
        } catch {
            throw CommandFailure(.no, printable("\(file) is not a recording: \(error)"))
        }
    }
}

extension RecordedTime.DateOrder: ExpressibleByArgument {}
extension RecordedNumber.DecimalSign: ExpressibleByArgument {}
extension Recording.Layout: ExpressibleByArgument {}
