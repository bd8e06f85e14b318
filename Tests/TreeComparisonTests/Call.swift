import NIOCore
import ZooKeeperProtocol

/// One request of a script, the same for both servers.
///
/// A path that begins with `~` lies below the root of the episode, so that a script can be played again elsewhere.
enum Call: Hashable, Sendable {
    case create(OperationCode, path: String, data: [UInt8]?, acl: [ACL], flags: Int32, ttl: Int64?)
    case delete(path: String, version: Int32)
    case setData(path: String, data: [UInt8]?, version: Int32)
    case setACL(path: String, acl: [ACL], version: Int32)
    case check(path: String, version: Int32)
    /// exists, getData, getChildren, getChildren2.
    case look(OperationCode, path: String, watch: Bool)
    /// getACL, sync, getEphemerals, getAllChildrenNumber.
    case ask(OperationCode, path: String)
    case whoAmI
    case ping
    case multi([Call])
    case multiRead([Call])
    case addWatch(path: String, mode: Int32)
    /// checkWatches, removeWatches.
    case watcher(OperationCode, path: String, type: Int32)
    case setWatches(since: Moment, data: [String], exist: [String], child: [String], kept: Kept?)
    case auth(scheme: String, auth: [UInt8]?)
    case raw(type: Int32, body: [UInt8])

    /// The two lists that only setWatches2 has.
    struct Kept: Hashable, Sendable {
        var persistent: [String]
        var recursive: [String]
    }

    /// A transaction, as each server numbers it.
    enum Moment: Hashable, Sendable {
        case beginning
        /// The newest transaction when the connection was last heard of, before it was dropped.
        case lastSeen
        case future
    }

    var type: Int32 {
        switch self {
        case .create(let code, _, _, _, _, _), .look(let code, _, _), .ask(let code, _), .watcher(let code, _, _):
            code.rawValue
        case .delete: OperationCode.delete.rawValue
        case .setData: OperationCode.setData.rawValue
        case .setACL: OperationCode.setACL.rawValue
        case .check: OperationCode.check.rawValue
        case .whoAmI: OperationCode.whoAmI.rawValue
        case .ping: OperationCode.ping.rawValue
        case .multi: OperationCode.multi.rawValue
        case .multiRead: OperationCode.multiRead.rawValue
        case .addWatch: OperationCode.addWatch.rawValue
        case .setWatches(_, _, _, _, let kept): (kept == nil ? OperationCode.setWatches : .setWatches2).rawValue
        case .auth: OperationCode.auth.rawValue
        case .raw(let type, _): type
        }
    }

    /// Whether it changes the tree when it succeeds, and so has a transaction number of its own.
    var isChange: Bool {
        switch self {
        case .create, .delete, .setData, .setACL: true
        case .multi(let calls): calls.contains(where: \.isChange)
        case .check, .look, .ask, .whoAmI, .ping, .multiRead, .addWatch, .watcher, .setWatches, .auth, .raw: false
        }
    }

    /// Whether its effect does not wait for the requests before it at Apache's: it must not stand in a burst.
    var standsAlone: Bool {
        switch self {
        case .auth, .raw: true
        default: false
        }
    }

    /// The xid that clients use for it.
    func xid(_ number: Int32) -> Int32 {
        switch self {
        case .ping: ReservedXid.ping
        case .auth: ReservedXid.auth
        case .setWatches: ReservedXid.setWatches
        default: number
        }
    }

    /// Appends the body.
    func write(into buffer: inout ByteBuffer, root: String, moment: (Moment) -> Int64) {
        func full(_ path: String) -> String { path.hasPrefix("~") ? root + path.dropFirst() : path }
        switch self {
        case .create(_, let path, let data, let acl, let flags, let ttl):
            CreateRequest(path: full(path), data: data, acl: acl, flags: flags, timeToLive: ttl).write(into: &buffer)
        case .delete(let path, let version), .check(let path, let version):
            PathVersionRequest(path: full(path), version: version).write(into: &buffer)
        case .setData(let path, let data, let version):
            SetDataRequest(path: full(path), data: data, version: version).write(into: &buffer)
        case .setACL(let path, let acl, let version):
            SetACLRequest(path: full(path), acl: acl, version: version).write(into: &buffer)
        case .look(_, let path, let watch): PathWatchRequest(path: full(path), watch: watch).write(into: &buffer)
        case .ask(_, let path): PathRequest(path: full(path)).write(into: &buffer)
        case .whoAmI, .ping: break
        case .multi(let calls), .multiRead(let calls):
            for call in calls {
                MultiHeader(type: call.type, done: false, error: -1).write(into: &buffer)
                call.write(into: &buffer, root: root, moment: moment)
            }
            MultiHeader.end.write(into: &buffer)
        case .addWatch(let path, let mode): AddWatchRequest(path: full(path), mode: mode).write(into: &buffer)
        case .watcher(_, let path, let type): WatcherTypeRequest(path: full(path), type: type).write(into: &buffer)
        case .setWatches(let since, let data, let exist, let child, let kept):
            var request = SetWatchesRequest(
                relativeZxid: moment(since), dataWatches: data.map(full), existWatches: exist.map(full),
                childWatches: child.map(full))
            request.persistentWatches = kept?.persistent.map(full)
            request.persistentRecursiveWatches = kept?.recursive.map(full)
            request.write(into: &buffer)
        case .auth(let scheme, let auth): AuthPacket(scheme: scheme, auth: auth).write(into: &buffer)
        case .raw(_, let body): buffer.writeBytes(body)
        }
    }
}

extension Call: CustomStringConvertible {
    var description: String {
        switch self {
        case .create(let code, let path, let data, let acl, let flags, let ttl):
            "\(code) \(path.debugDescription) \(Self.show(data)) flags=\(flags)"
                + (ttl.map { " ttl=\($0)" } ?? "") + (acl == ACL.worldAll ? "" : " acl=\(Self.show(acl))")
        case .delete(let path, let version): "delete \(path.debugDescription) version=\(version)"
        case .setData(let path, let data, let version):
            "setData \(path.debugDescription) \(Self.show(data)) version=\(version)"
        case .setACL(let path, let acl, let version):
            "setACL \(path.debugDescription) \(Self.show(acl)) version=\(version)"
        case .check(let path, let version): "check \(path.debugDescription) version=\(version)"
        case .look(let code, let path, let watch): "\(code) \(path.debugDescription)\(watch ? " watch" : "")"
        case .ask(let code, let path): "\(code) \(path.debugDescription)"
        case .whoAmI: "whoAmI"
        case .ping: "ping"
        case .multi(let calls): "multi { \(calls.map(\.description).joined(separator: "; ")) }"
        case .multiRead(let calls): "multiRead { \(calls.map(\.description).joined(separator: "; ")) }"
        case .addWatch(let path, let mode): "addWatch \(path.debugDescription) mode=\(mode)"
        case .watcher(let code, let path, let type): "\(code) \(path.debugDescription) type=\(type)"
        case .setWatches(let since, let data, let exist, let child, let kept):
            "setWatches since=\(since) data=\(data) exist=\(exist) child=\(child)"
                + (kept.map { " persistent=\($0.persistent) recursive=\($0.recursive)" } ?? "")
        case .auth(let scheme, let auth): "auth \(scheme) \(Self.show(auth))"
        case .raw(let type, let body): "raw type=\(type) body=\(body)"
        }
    }

    static func show(_ bytes: [UInt8]?) -> String {
        guard let bytes else { return "null" }
        return bytes.count > 60 ? "(\(bytes.count) bytes)" : String(decoding: bytes, as: UTF8.self).debugDescription
    }

    static func show(_ acl: [ACL]) -> String {
        "[" + acl.map { "\($0.permissions.rawValue):\($0.scheme):\($0.id)" }.joined(separator: ", ") + "]"
    }
}
