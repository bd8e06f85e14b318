import ZooKeeperClient

extension PlantClient {
    /// Whether somebody looks after the plant, so that what stands in the tree is what is.
    package enum Attendance: Hashable, Sendable {
        case attended
        /// Gateways run, and values are written, but nobody raises or clears alarms.
        case noAlarmProcessor
        /// Nothing is written at all: everything stays as the last gateway left it.
        case noGateway
    }

    /// Who looks after the plant at the moment. During a takeover that can be nobody.
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
