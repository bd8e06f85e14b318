/// Which server is tried next, and how long to wait before.
///
/// The order is shuffled once, so that the clients of an ensemble spread, and then rotated: a server that failed is
/// tried again only after all others. One round over all servers is free; each further round waits longer, up to the
/// ceiling, with jitter, so that clients cut off together do not return together.
struct ReconnectSchedule: Sendable {
    /// The first wait.
    static let initialDelay = Duration.milliseconds(20)

    private let servers: [ServerAddress]
    private let ceiling: Duration
    private var position = 0
    private var failures = 0

    /// - Parameter ceiling: The longest wait.
    init(servers: [ServerAddress], ceiling: Duration, using random: inout some RandomNumberGenerator) {
        self.servers = servers.shuffled(using: &random)
        self.ceiling = max(ceiling, Self.initialDelay)
    }

    var serverCount: Int { servers.count }

    /// The server for the next attempt.
    mutating func nextServer() -> ServerAddress {
        let server = servers[position % servers.count]
        position = (position + 1) % servers.count
        return server
    }

    /// An attempt ended before a session was granted.
    mutating func attemptFailed() {
        failures = min(failures + 1, 1 << 20)
    }

    /// A session was granted: the next loss starts from the shortest wait, at the same server unless it fails.
    mutating func sessionGranted() {
        failures = 0
        position = (position + servers.count - 1) % servers.count
    }

    /// How long to wait before the next attempt.
    func delay(using random: inout some RandomNumberGenerator) -> Duration {
        let rounds = failures / servers.count
        guard rounds > 0 else { return .zero }
        let full = min(ceiling, Self.initialDelay * (1 << min(rounds - 1, 16)))
        // Between half and the whole.
        return full * Double.random(in: 0.5...1, using: &random)
    }
}
