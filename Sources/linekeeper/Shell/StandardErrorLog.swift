import Foundation
import Logging

extension Logger {
    /// For the clients of tree and broker of a subcommand that says itself what went wrong, once.
    static let quiet: Logger = {
        var logger = Logger(label: "linekeeper") { StandardErrorLog(label: $0, level: .critical) }
        logger.logLevel = .critical
        return logger
    }()
}

/// Log lines for people and for journald, on standard error: `06:57:54.123 info  gateway elected  epoch=42 shard=7`.
struct StandardErrorLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel: Logger.Level
    private let label: String

    init(label: String, level: Logger.Level) {
        self.label = label
        logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let explicit = event.metadata { all.merge(explicit) { $1 } }
        var line = Self.clock() + " " + Self.name(of: event.level) + " " + printable(event.message.description)
        for (key, value) in all.sorted(by: { $0.key < $1.key }) {
            line += "  " + Style.dim.applied(to: "\(key)=") + printable(Self.cut("\(value)"))
        }
        Terminal.errorLine(line)
    }

    /// What a line quotes may come from anywhere and be of any length.
    private static func cut(_ text: String) -> String {
        text.utf8.count <= valueLimit
            ? text : String(decoding: text.utf8.prefix(valueLimit), as: UTF8.self) + "… (\(text.utf8.count) bytes)"
    }

    private static let valueLimit = 4096

    private static func name(of level: Logger.Level) -> String {
        switch level {
        case .trace: Style.dim.applied(to: "trace")
        case .debug: Style.dim.applied(to: "debug")
        case .info: "info "
        case .notice: Style.cyan.applied(to: "note ")
        case .warning: Style.yellow.applied(to: "warn ")
        case .error: Style.red.applied(to: "error")
        case .critical: Style.alert.applied(to: "fatal")
        }
    }

    /// Time of day in the machine's zone, to the millisecond.
    private static func clock() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        localtime_r(&now.tv_sec, &parts)
        return two(parts.tm_hour) + ":" + two(parts.tm_min) + ":" + two(parts.tm_sec) + "."
            + three(Int32(truncatingIfNeeded: now.tv_nsec / 1_000_000))
    }

    private static func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    private static func three(_ number: Int32) -> String { number < 100 ? "0" + two(number) : "\(number)" }
}
