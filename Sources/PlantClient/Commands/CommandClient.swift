package import Plant
package import ZooKeeperClient
import ZooKeeperProtocol
import ZooKeeperRecipes

/// The records of commands: reading and following them.
package struct CommandClient: Sendable {
    /// A listing: the records in the order of creation, and what stands among them that is none.
    package struct Listing: Sendable {
        package var records: [CommandRecord] = []
        package var malformed: [(id: String, mistake: RecordMistake)] = []
    }

    private let client: ZooKeeperClient
    private let clock: WaitingClock

    package init(client: ZooKeeperClient, clock: WaitingClock = .system) {
        self.client = client
        self.clock = clock
    }

    private static func path(of id: String) -> String { TreeLayout.commands + "/" + id }

    /// The record as it stands; nil when there is none.
    package func show(_ id: String) async throws -> CommandRecord? {
        if let mistake = CommandRecord.mistake(inID: id) { throw CommandRefusal.invalidID(mistake) }
        return try await find(id)
    }

    /// Follows a command until it is over or `deadline` has passed, whichever comes first; returns it as it stands then.
    /// - Parameter changed: called with each state, the first included.
    package func wait(
        _ id: String, until deadline: ContinuousClock.Instant, changed: (@Sendable (CommandRecord) -> Void)? = nil
    ) async throws -> CommandRecord {
        var last: CommandRecord?
        while true {
            let (node, watch) = try await read(id)
            let record = try Self.parse(node, id)
            if record != last { changed?(record) }
            last = record
            if record.state.isFinal || clock.now() >= deadline { return record }
            let hasChanged = try await clock.wait(for: watch, until: deadline)
            // One last look: the change may have come with the deadline.
            if !hasChanged { return try await show(id) ?? record }
        }
    }

    private func read(_ id: String) async throws -> (NodeData, Watch) {
        do { return try await client.getDataAndWatch(Self.path(of: id)) } catch let error as ZooKeeperError
            where error.code == .noNode
        { throw CommandRefusal.notFound(id) }
    }

    /// All commands that stand in the tree.
    package func list() async throws -> Listing {
        let walk = TreeWalk(client: client)
        let names = try await walk.children(of: TreeLayout.commands).sorted()
        let nodes = try await walk.data(of: names.map(Self.path(of:)))
        var listing = Listing()
        let sorted = zip(names, nodes).compactMap { name, node in node.map { (name, $0) } }
            .sorted { ($0.1.stat.czxid, $0.0) < ($1.1.stat.czxid, $1.0) }
        for (name, node) in sorted {
            do throws(RecordMistake) {
                listing.records.append(try CommandRecord(parsing: node.data ?? [], id: name))
            } catch {
                listing.malformed.append((name, error))
            }
        }
        return listing
    }

    private func find(_ id: String) async throws -> CommandRecord? {
        do {
            return try Self.parse(try await client.getData(Self.path(of: id)), id)
        } catch let error as ZooKeeperError where error.code == .noNode {
            return nil
        }
    }

    private static func parse(_ node: NodeData, _ id: String) throws -> CommandRecord {
        do throws(RecordMistake) { return try CommandRecord(parsing: node.data ?? [], id: id) } catch {
            throw CommandRefusal.unreadable(id, error)
        }
    }
}
