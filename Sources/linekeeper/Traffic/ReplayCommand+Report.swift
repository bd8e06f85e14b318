import Plant
import PlantClient
import Primitives
import Simulation

extension ReplayCommand {
    /// A line about how far it has come.
    func report(progress summary: RecordingReplay.Summary, of rows: Int) {
        guard !quiet else { return }
        let percent = rows == 0 ? 100 : summary.rows * 100 / rows
        Terminal.errorLine(
            "\(percent)%  \(HumanText.count(Int64(summary.rows))) of \(HumanText.count(Int64(rows))) rows, \(HumanText.count(Int64(summary.sent))) messages"
        )
    }

    /// What came of it, and what was left out.
    ///
    /// - Throws: ``CommandFailure`` when messages were lost.
    func report(_ summary: RecordingReplay.Summary, _ recording: Recording) throws {
        for malformed in recording.malformed.prefix(10) {
            Terminal.errorLine("\(file): \(printable(malformed.description))")
        }
        if recording.malformed.count > 10 {
            Terminal.errorLine("\(file): … and \(recording.malformed.count - 10) more lines that could not be read")
        }
        for leftOut in recording.leftOut.prefix(10) {
            Terminal.writeError("\(file): \(printable(leftOut.description))\n")
        }
        if recording.leftOut.count > 10 {
            Terminal.writeError("\(file): … and cells of \(recording.leftOut.count - 10) more columns\n")
        }
        let cells = recording.leftOut.reduce(0) { $0 + $1.cells }
        let seconds = Double(summary.duration.wholeMilliseconds) / 1000
        let rate = seconds > 0 ? Double(summary.sent) / seconds : 0
        Terminal.line(
            "\(summary.isComplete ? "replayed" : "stopped after") \(HumanText.count(Int64(summary.rows))) rows: \(HumanText.count(Int64(summary.sent))) messages in \(HumanText.span(summary.duration.wholeMilliseconds)) (\(HumanText.count(Int64(rate.rounded())))/s), \(summary.failed) lost, \(recording.malformed.count) lines skipped, \(HumanText.count(Int64(cells))) cells left out"
        )
        if summary.failed > 0 {
            throw CommandFailure(
                .unreachable,
                "\(summary.failed) messages did not reach the broker: \(summary.error.map { "\($0)" } ?? "unknown")")
        }
    }
}
