/// The open requests of a plant, as every gateway sees them; no I/O, no clock.
///
/// It is fed what stands in `/requests` and says what is to be answered, in the order of creation, and what is to be
/// removed unanswered. A request is open from when it is created until its node changes:
///
/// | node | becomes |
/// | --- | --- |
/// | version 0, a request, at most ``openLimit`` open of its principal | open |
/// | version 0, a request, more are open | discarded, ``Discard/tooMany`` |
/// | version 0, no request, or not where it belongs | discarded, ``Discard/unreadable`` |
/// | with an answer | nothing more to do; its requester or retention deletes it |
/// | a later version without an answer: somebody has changed it | discarded, ``Discard/changed`` |
///
/// An answer is written over version 0 only, so a request that changes while it is being answered is not answered.
package struct RequestDesk: Sendable {
    /// Open requests of one principal.
    package static let openLimit = 100
    /// By how much the clocks of tree and gateway may differ.
    static let clockTolerance: Milliseconds = 600_000

    /// A request that waits for its answer.
    package struct Open: Sendable, Hashable {
        package let place: RequestPlace
        package let request: Request
        /// As it was created, for the answer to be put into.
        package let data: [UInt8]
        /// When the tree took it, by the tree's clock, and in which order.
        package let created: Milliseconds
        package let czxid: Int64
        /// Since when it is known here, by a clock that cannot be set.
        package let seenAt: Milliseconds

        package init(
            place: RequestPlace, request: Request, data: [UInt8], created: Milliseconds, czxid: Int64,
            seenAt: Milliseconds = 0
        ) {
            self.place = place
            self.request = request
            self.data = data
            self.created = created
            self.czxid = czxid
            self.seenAt = seenAt
        }

        /// Whether its time is over: nobody must act on it when the person has long gone.
        ///
        /// A gateway that has just started knows only what the clocks of tree and machine show. They need not agree, so
        /// more than ``clockTolerance`` has to have passed besides.
        ///
        /// - Parameters:
        ///   - now: by the clock of ``seenAt``.
        ///   - wall: by the wall clock; nil while it is in doubt.
        package func isExpired(at now: Milliseconds, wall: Milliseconds?) -> Bool {
            if now.subtractingClamped(seenAt) > request.time { return true }
            guard let age = wall?.subtractingClamped(created) else { return false }
            return age.subtractingClamped(RequestDesk.clockTolerance) > request.time
        }
    }

    /// Why a request is deleted without an answer.
    package enum Discard: String, Sendable, Hashable { case unreadable, changed, tooMany, unwritable }

    /// A node that is to be deleted in that version.
    package struct Unwanted: Sendable, Hashable {
        package let path: String
        package let principal: String?
        package let version: Int32
        let czxid: Int64
        package let reason: Discard
        /// What is wrong with it.
        package let detail: String?
    }

    private struct Turn: Sendable, Comparable {
        let czxid: Int64
        let path: String

        static func < (left: Turn, right: Turn) -> Bool {
            left.czxid != right.czxid ? left.czxid < right.czxid : left.path < right.path
        }
    }

    private var open: [String: Open] = [:]
    private var queues: [Request.Responsible: [Turn]] = [:]
    private var openOf: [String: Int] = [:]
    private var unwanted: [String: Unwanted] = [:]

    package init() {}

    // MARK: What stands in the tree

    /// A node below a mailbox was read. Feed nodes that became visible together in the order of their czxid.
    ///
    /// - Parameters:
    ///   - created: when the tree took it, by its clock.
    ///   - now: by a clock that cannot be set.
    package mutating func seen(
        _ path: String, data: [UInt8], version: Int32, czxid: Int64, created: Milliseconds, at now: Milliseconds
    ) {
        if let known = open[path], known.czxid == czxid, version == 0 { return }
        if let known = unwanted[path], known.version == version, known.czxid == czxid { return }
        gone(path)
        guard let place = RequestPlace(path: path) else {
            return discard(path, nil, version, czxid, .unreadable, "no request has such a name")
        }
        let request: Request
        do throws(RecordMistake) { request = try Request(parsing: data, at: place) } catch {
            return discard(path, place, version, czxid, .unreadable, "\(error)")
        }
        guard request.answer == nil else { return }
        guard version == 0 else { return discard(path, place, version, czxid, .changed, nil) }
        guard openOf[place.principal, default: 0] < Self.openLimit else {
            return discard(
                path, place, version, czxid, .tooMany, "more than \(Self.openLimit) of one principal are open")
        }
        open[path] = Open(
            place: place, request: request, data: data, created: created, czxid: czxid, seenAt: now)
        openOf[place.principal, default: 0] += 1
        let turn = Turn(czxid: czxid, path: path)
        var queue = queues[request.responsible] ?? []
        // Mostly the newest.
        var index = queue.endIndex
        while index > 0, turn < queue[index - 1] { index -= 1 }
        queue.insert(turn, at: index)
        queues[request.responsible] = queue
    }

    /// A node is not there any more.
    package mutating func gone(_ path: String) {
        unwanted[path] = nil
        guard let known = open.removeValue(forKey: path) else { return }
        let responsible = known.request.responsible
        queues[responsible]?.removeAll { $0.path == path }
        if queues[responsible]?.isEmpty == true { queues[responsible] = nil }
        guard let count = openOf[known.place.principal] else { return }
        openOf[known.place.principal] = count > 1 ? count - 1 : nil
    }

    /// These are all the nodes that there are.
    package mutating func listed(_ paths: Set<String>) {
        for path in open.keys.filter({ !paths.contains($0) }) { gone(path) }
        for path in unwanted.keys.filter({ !paths.contains($0) }) { gone(path) }
    }

    private mutating func discard(
        _ path: String, _ place: RequestPlace?, _ version: Int32, _ czxid: Int64, _ reason: Discard, _ detail: String?
    ) {
        unwanted[path] = Unwanted(
            path: path, principal: place?.principal, version: version, czxid: czxid, reason: reason, detail: detail)
    }

    // MARK: What is to be done

    /// Who has something to answer.
    package var responsible: some Collection<Request.Responsible> { queues.keys }

    /// Open requests, whoever has to answer them.
    package var count: Int { open.count }

    /// How many requests of a principal are open.
    package func count(of principal: String) -> Int { openOf[principal, default: 0] }

    /// The next requests that somebody has to answer, the oldest first. Asking consumes nothing: ``answered(_:)`` does.
    package func next(for responsible: Request.Responsible, limit: Int) -> [Open] {
        (queues[responsible] ?? []).prefix(limit).compactMap { open[$0.path] }
    }

    /// What the active alarm processor is to delete.
    package func discards(limit: Int) -> [Unwanted] { Array(unwanted.values.prefix(limit)) }

    package var hasDiscards: Bool { !unwanted.isEmpty }

    /// The answer stands in the tree, or the request went meanwhile.
    package mutating func answered(_ path: String) { gone(path) }

    /// The tree does not let gateways answer it.
    package mutating func unwritable(_ path: String, detail: String) {
        guard let known = open[path] else { return }
        gone(path)
        discard(path, known.place, 0, known.czxid, .unwritable, detail)
    }
}
