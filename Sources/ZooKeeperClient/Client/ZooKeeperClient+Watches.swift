import NIOCore
public import ZooKeeperProtocol

/// Reads that arm a watch, and watches that stay.
extension ZooKeeperClient {
    /// Reads a node and watches it: for its deletion and changes of its data. Nothing is armed when there is no node.
    public func getDataAndWatch(_ path: String) async throws -> (NodeData, Watch) {
        let watch = try makeWatch(path, .getData)
        return (try await getData(path, arming: .oneShot(.getData, watch.slot)), watch)
    }

    /// Looks for a node and watches for its creation, deletion and changes of its data.
    public func existsAndWatch(_ path: String) async throws -> (Stat?, Watch) {
        let watch = try makeWatch(path, .exists)
        return (try await exists(path, arming: .oneShot(.exists, watch.slot)), watch)
    }

    /// Lists a node's children and watches for children that come and go, and for the deletion of the node.
    public func getChildrenAndWatch(_ path: String) async throws -> ([String], Watch) {
        let watch = try makeWatch(path, .getChildren)
        return (try await getChildren(path, arming: .oneShot(.getChildren, watch.slot)), watch)
    }

    private func makeWatch(_ path: String, _ operation: OperationCode) throws -> Watch {
        Watch(slot: WatchSlot(path: try absolute(path, operation)), chroot: chroot, core: core)
    }

    /// Adds a watch that stays, over reconnects and new sessions. The path need not exist.
    ///
    /// Whatever happens after this returns is told; read once afterwards to know where it starts. A lost connection is
    /// waited out: it is tried again until a call's time is up, and what began before may take another.
    public func addWatch(_ path: String, mode: AddWatchMode) async throws -> PersistentWatch {
        let absolutePath = try absolute(path, .addWatch)
        let buffer = PersistentWatchBuffer(path: absolutePath, limit: core.configuration.maxWaitingWatchElements)
        let watch = PersistentWatch(buffer: buffer, chroot: chroot, core: core)
        let deadline = ContinuousClock.now + core.configuration.requestTimeout
        while true {
            do {
                _ = try await call(.addWatch, path: path, arming: .persistent(mode, buffer)) {
                    AddWatchRequest(path: absolutePath, mode: mode).write(into: &$0)
                }
                return watch
            } catch let error as ZooKeeperError
                where (error.code == .connectionLoss || error.code == .sessionExpired) && ContinuousClock.now < deadline
            {
                continue
            }
        }
    }
}
