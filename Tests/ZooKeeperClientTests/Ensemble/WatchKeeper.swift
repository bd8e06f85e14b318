import Synchronization
import TestFixtures
import ZooKeeperClient
import ZooKeeperProtocol

/// Followers of nodes that read only when a watch tells them to: a watch that is lost leaves them behind for good.
final class WatchKeeper: Sendable {
    /// What each follower saw last, by follower and node.
    private final class Sightings: Sendable {
        let values = Mutex<[String: Int]>([:])

        func see(_ follower: String, _ path: String, _ data: [UInt8]?) {
            guard let value = Int(data.text ?? "") else { return }
            values.withLock { $0[follower + " " + path] = value }
        }
    }

    private let director: ZooKeeperClient
    private let paths: [String]
    private let current = Mutex(0)
    private let sightings = Sightings()
    private let task: Task<Void, Never>

    /// Follows nodes through `client`; `director` changes them.
    init(_ client: ZooKeeperClient, director: ZooKeeperClient, keys: Int) async throws {
        let paths = (0..<keys).map { "/watched/k\($0)" }
        self.paths = paths
        self.director = director
        for path in paths { try await director.create(path, data: "0".bytes) }
        let recursive = try await client.addWatch("/watched", mode: .persistentRecursive)
        let single = try await client.addWatch("/watched/k0", mode: .persistent)
        let sightings = sightings
        // Ended by ``stop()``.
        task = Task {
            await withTaskGroup(of: Void.self) { group in
                for path in paths { group.addTask { await Self.followOneShot(client, path, sightings) } }
                group.addTask { await Self.follow(client, recursive, "recursive", paths, sightings) }
                group.addTask { await Self.follow(client, single, "persistent", ["/watched/k0"], sightings) }
            }
        }
    }

    private static func followOneShot(_ client: ZooKeeperClient, _ path: String, _ sightings: Sightings) async {
        while !Task.isCancelled {
            do {
                let (node, watch) = try await client.getDataAndWatch(path)
                sightings.see("one-shot", path, node.data)
                _ = try await watch.next()
            } catch {
                // Nothing was armed: look again.
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    private static func follow(
        _ client: ZooKeeperClient, _ watch: PersistentWatch, _ name: String, _ paths: [String],
        _ sightings: Sightings
    ) async {
        func read(_ path: String) async {
            while !Task.isCancelled {
                if let node = try? await client.getData(path) { return sightings.see(name, path, node.data) }
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
        for path in paths { await read(path) }
        do {
            for try await element in watch {
                switch element {
                case .event(let event): if paths.contains(event.path) { await read(event.path) }
                case .gap: for path in paths { await read(path) }
                }
            }
        } catch {
            // Cancelled.
        }
    }

    var report: String { "watched: \(current.withLock { $0 }), seen \(sightings.values.withLock { $0 })" }

    /// Gives every node its next value.
    func changeEverything() async throws {
        let value = current.withLock { current in
            current += 1
            return current
        }
        for path in paths {
            try await eventually("\(path) is set", within: .seconds(60), seen: { "\(self.director.state)" }) {
                do {
                    try await self.director.setData(path, data: "\(value)".bytes)
                    return true
                } catch let error as ZooKeeperError where error.isOutcomeUnknown || error.code == .sessionExpired {
                    return false
                }
            }
        }
    }

    /// Waits until every follower has seen the newest values.
    func allSeen(_ when: String) async throws {
        let value = current.withLock { $0 }
        let expected = paths.flatMap { ["one-shot \($0)", "recursive \($0)"] } + ["persistent \(paths[0])"]
        try await eventually(
            "every watch tells of \(value), \(when)", within: .seconds(60), seen: { self.report }
        ) {
            self.sightings.values.withLock { values in expected.allSatisfy { values[$0] == value } }
        }
    }

    func stop() async {
        task.cancel()
        await task.value
    }
}
