package import Logging
import Synchronization

/// Writes lines that somebody outside can cause as often as it likes: each kind at a bounded rate, each line of a bounded
/// length. How many lines were left out stands on the next one.
///
/// A kind is its message, which is why messages are constants; what varies goes into the metadata.
package final class OutsiderLog: Sendable {
    /// Longest value of a line's metadata, in bytes.
    static let valueLimit = 512

    private let logger: Logger
    private let clock: GatewayClock
    private let allowances = Mutex<[String: LineAllowance]>([:])

    package init(_ logger: Logger, clock: GatewayClock) {
        self.logger = logger
        self.clock = clock
    }

    package func info(_ message: StaticString, _ values: KeyValuePairs<String, String> = [:]) {
        write(.info, message, values)
    }

    package func notice(_ message: StaticString, _ values: KeyValuePairs<String, String> = [:]) {
        write(.notice, message, values)
    }

    package func warning(_ message: StaticString, _ values: KeyValuePairs<String, String> = [:]) {
        write(.warning, message, values)
    }

    package func error(_ message: StaticString, _ values: KeyValuePairs<String, String> = [:]) {
        write(.error, message, values)
    }

    private func write(_ level: Logger.Level, _ message: StaticString, _ values: KeyValuePairs<String, String>) {
        guard logger.logLevel <= level else { return }
        let now = clock.now()
        let kind = "\(message)"
        guard let suppressed = allowances.withLock({ $0[kind, default: LineAllowance()].take(at: now) }) else { return }
        var metadata: Logger.Metadata = [:]
        for (key, value) in values { metadata[key] = "\(Self.cut(value))" }
        if suppressed > 0 { metadata["leftOut"] = "\(suppressed)" }
        logger.log(level: level, "\(kind)", metadata: metadata)
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > valueLimit else { return text }
        return String(decoding: text.utf8.prefix(valueLimit), as: UTF8.self) + "… (\(text.utf8.count) bytes)"
    }
}
