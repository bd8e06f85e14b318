import NIOHTTP1

extension ServerCore {
    /// Answers a GET of the admin listener.
    func adminAnswer(_ uri: String) -> AdminAnswer {
        let parts = uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var path = parts.first.map(String.init) ?? "/"
        if path.count > 1, path.hasSuffix("/") { path.removeLast() }
        let query = Self.query(parts.count > 1 ? parts[1] : "")
        switch path {
        case "/commands": return AdminAnswer(contentType: "text/html; charset=utf-8", body: Array(Self.index.utf8))
        case "/metrics":
            let page = withEngine { engine, context, now in engine.metrics(context, now) }
            return page.map { AdminAnswer(contentType: "text/plain; version=0.0.4; charset=utf-8", body: $0) }
                ?? Self.unavailable
        case "/health":
            return withEngine { engine, _, _ in AdminAnswer(text: Self.health(engine)) } ?? Self.unavailable
        case "/": return AdminAnswer(text: "/commands, /metrics, /health\n")
        default:
            guard path.hasPrefix("/commands/") else { return AdminAnswer(status: .notFound, text: "not found\n") }
            let name = String(path.dropFirst("/commands/".count).prefix(100))
            let answer = withEngine { engine, context, now in
                AdminCommand.answer(name, query: query, engine, context, now)
            }
            let document =
                answer
                ?? .object([
                    ("command", .string(name)),
                    ("error", .string("This ZooKeeper instance is not currently serving requests")),
                ])
            return AdminAnswer(contentType: "application/json", body: document.bytes)
        }
    }

    /// A full disk is no reason to start the server again: reads and sessions go on, and writes will too.
    private static func health(_ engine: Engine) -> String {
        guard engine.isDiskFull else { return "ok\n" }
        return engine.hasRoom(forRequestOf: 64)
            ? "the disk is full: writes are refused once the last segment of the log is used up\n"
            : "read-only: the disk is full\n"
    }

    private static let unavailable = AdminAnswer(
        status: .serviceUnavailable, text: "the tree is being read again from disk\n")

    private static var index: String {
        AdminCommand.allCases
            .map { "<a href=\"/commands/\($0.rawValue)\">\($0.rawValue)</a>\n<br/>\n" }
            .joined()
    }

    private static func query(_ text: Substring) -> [String: String] {
        text.split(separator: "&").prefix(16).reduce(into: [:]) { query, pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if let name = parts.first { query[String(name)] = parts.count > 1 ? String(parts[1]) : "" }
        }
    }
}
