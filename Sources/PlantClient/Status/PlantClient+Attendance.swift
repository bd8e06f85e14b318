import ZooKeeperClient

extension PlantClient {
    /// Whether gateways keep the tree up to date.
    package enum Attendance: Hashable, Sendable {
        case attended
        /// Gateways run, and values are written, but no gateway raises or clears alarms.
        case noAlarmProcessor
        /// Nothing is written at all: everything stays as the last gateway left it.
        case noGateway
    }

    /// Which gateways there are at the moment. During a takeover none may process alarms.
    package func attendance() async throws -> Attendance {
        try await PlantFailure.translating {
            let reader = StatusReader(client: tree)
            guard try await reader.hasGateway() else { return .noGateway }
            return try await reader.alarmProcessor() == nil ? .noAlarmProcessor : .attended
        }
    }

    /// Whether the tree is reached at the moment. While it is not, what was read of it grows old and nothing is heard of.
    package var reachesTree: Bool { tree.isConnected }
}
