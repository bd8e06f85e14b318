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
            "\(percent)%  \(HumanText.count(Int64(summary.rows))) of \(HumanText.count(rows, "row")), \(HumanText.count(summary.sent, "message"))"
        )
    }

    /// ` (500/s)`; empty when it took too short a time to tell.
    static func rate(_ summary: RecordingReplay.Summary) -> String {
        let milliseconds = summary.duration.wholeMilliseconds
        guard milliseconds > 0 else { return "" }
        let rate = Double(summary.sent) * 1000 / Double(milliseconds)
        return " (\(HumanText.count(Int64(rate.rounded())))/s)"
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
        let parts = [
            "\(summary.isComplete ? "replayed" : "stopped after") \(HumanText.count(summary.rows, "row")): \(HumanText.count(summary.sent, "message")) in \(HumanText.span(summary.duration))\(Self.rate(summary))",
            "\(HumanText.count(Int64(summary.failed))) lost",
            "\(HumanText.count(recording.malformed.count, "line")) skipped",
            "\(HumanText.count(cells, "cell")) left out",
        ]
        Terminal.line(parts.joined(separator: ", "))
        if summary.failed > 0 { throw CommandFailure.lost(summary.failed, summary.error) }
    }
}
