/// What is known to differ between the peer and our server, by name. Each time that one is allowed for is counted.
///
/// Against ZooKeeper 3.9, which our server follows, nothing that is compared may differ. Left out of the comparison, because
/// ours is different on purpose:
/// - A ping is answered at once, past replies that wait for the disk; Apache's waits its turn. So no ping stands in a burst.
/// - A wrong password does not cut off the session's owner; at Apache's it does. So strangers come only to sessions without
///   connection.
/// - An empty path is no node; Apache's takes it for the root when reading.
/// - `deleteContainer` and `createSession` are refused; Apache's obeys clients that send them.
/// - A failed write has no transaction number of its own.
///
/// And because Apache's answer depends on how fast it is, or it would not survive: see the comments in ``Generator``.
enum Peculiarity: String, Hashable, Sendable, CaseIterable {
    /// 3.8 sends −1 in the header of an event (ZOOKEEPER-4655). All else of the event is compared.
    case eventsWithoutZxid
    /// Debian's 3.8.0 answers `exists` without permission to read. Scripts in which nodes cannot be read by everybody set no
    /// watches with it; other scripts do.
    case existsNeedsNoPermission
    /// Before 3.9, the last watch that a connection set on a path decides of what kind all its watches there are. Scripts
    /// keep to one kind a path and connection.
    case oneKindOfWatchAPath
    /// Before 3.9, only the types 1, 2 and 3 of watches can be removed, and only one-shot ones are told apart.
    case olderWatcherTypes
    /// 3.8 says that there is a watch when somebody else has one. Scripts remove watches, and do not ask for them.
    case checkWatchesFindsStrangers
    /// 3.8 answers a `check` outside of a transaction.
    case checkStandsAlone
    /// 3.8 answers `create2` in a transaction as `create`, without stat. Scripts use `create`.
    case create2InMultiIsCreate
    /// 3.8 judges the flags of creates in a transaction one by one; 3.9 finds the whole request unreadable.
    case multiJudgesFlags

    static func of(version: String) -> Set<Peculiarity> { version.hasPrefix("3.8") ? Set(allCases) : [] }
}
