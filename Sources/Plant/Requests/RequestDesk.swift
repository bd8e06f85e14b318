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

    /// A node below a mailbox, as it was read. Made outside of the desk, because it takes its time.
    package struct Reading: Sendable {
        fileprivate enum Content: Sendable {
            case request(RequestPlace, Request, data: [UInt8])
            /// It has an answer, or the place of one.
            case answered
            case none(RequestPlace?, why: String)
        }

        package let path: String
        let version: Int32
        let czxid: Int64
        let created: Milliseconds
        fileprivate let content: Content

        /// - Parameters:
        ///   - data: nil when the gateway may not read it, or when it is too long to be read.
        ///   - created: when the tree took it, by its clock.
        package init(_ path: String, data: [UInt8]?, version: Int32, czxid: Int64, created: Milliseconds) {
            self.path = path
            self.version = version
            self.czxid = czxid
            self.created = created
            guard let place = RequestPlace(path: path) else {
                content = .none(nil, why: "no request has such a name")
                return
            }
            guard let data else {
                content = .none(place, why: "gateways may not read it, or it is longer than \(Request.sizeLimit) bytes")
                return
            }
            do throws(RecordMistake) {
                let request = try Request(parsing: data, at: place)
                content = request.answer == nil ? .request(place, request, data: data) : .answered
            } catch {
                content = .none(place, why: "\(error)")
            }
        }
    }

    /// A node was read. Feed nodes that became visible together in the order of their czxid.
    ///
    /// - Parameter now: by a clock that cannot be set.
    package mutating func seen(_ reading: Reading, at now: Milliseconds) {
        let path = reading.path
        if let known = open[path], known.czxid == reading.czxid, reading.version == 0 { return }
        if let known = unwanted[path], known.version == reading.version, known.czxid == reading.czxid { return }
        gone(path)
        switch reading.content {
        case .answered: return
        case .none(let place, let why): discard(reading, place, .unreadable, why)
        case .request(let place, let request, let data):
            guard reading.version == 0 else { return discard(reading, place, .changed, nil) }
            guard openOf[place.principal, default: 0] < Self.openLimit else {
                return discard(reading, place, .tooMany, "more than \(Self.openLimit) of one principal are open")
            }
            open[path] = Open(
                place: place, request: request, data: data, created: reading.created, czxid: reading.czxid,
                seenAt: now)
            openOf[place.principal, default: 0] += 1
            let turn = Turn(czxid: reading.czxid, path: path)
            queues[request.responsible, default: []].insert(turn, at: position(of: turn, for: request.responsible))
        }
    }

    /// Where in a queue that turn is, or would be.
    private func position(of turn: Turn, for responsible: Request.Responsible) -> Int {
        guard let queue = queues[responsible] else { return 0 }
        var low = 0
        var high = queue.count
        while low < high {
            let middle = (low + high) / 2
            if queue[middle] < turn { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// A node is not there any more.
    package mutating func gone(_ path: String) {
        unwanted[path] = nil
        guard let known = open.removeValue(forKey: path) else { return }
        let responsible = known.request.responsible
        let turn = Turn(czxid: known.czxid, path: path)
        let index = position(of: turn, for: responsible)
        if let queue = queues[responsible], index < queue.count, queue[index] == turn {
            queues[responsible] = queue.count == 1 ? nil : queue
            if queue.count > 1 { queues[responsible]?.remove(at: index) }
        }
        guard let count = openOf[known.place.principal] else { return }
        openOf[known.place.principal] = count > 1 ? count - 1 : nil
    }

    /// These are all the nodes that there are.
    package mutating func listed(_ paths: Set<String>) {
        for path in open.keys.filter({ !paths.contains($0) }) { gone(path) }
        for path in unwanted.keys.filter({ !paths.contains($0) }) { gone(path) }
    }

    private mutating func discard(_ reading: Reading, _ place: RequestPlace?, _ reason: Discard, _ detail: String?) {
        unwanted[reading.path] = Unwanted(
            path: reading.path, principal: place?.principal, version: reading.version, czxid: reading.czxid,
            reason: reason, detail: detail)
    }

    // MARK: What is to be done

    /// All that have something to answer.
    package var responsible: some Collection<Request.Responsible> { queues.keys }

    /// All open requests.
    package var count: Int { open.count }

    /// How many requests of a principal are open.
    package func count(of principal: String) -> Int { openOf[principal, default: 0] }

    /// The next requests that somebody has to answer, the oldest first. Asking consumes nothing: ``answered(_:)`` does.
    package func next(for responsible: Request.Responsible, limit: Int) -> [Open] {
        (queues[responsible] ?? []).prefix(limit).compactMap { open[$0.path] }
    }

    /// What is to be deleted: by the active alarm processor, and, if it could not be written, by the gateway that tried.
    package func discards(limit: Int, onlyUnwritable: Bool = false) -> [Unwanted] {
        Array(unwanted.values.lazy.filter { !onlyUnwritable || $0.reason == .unwritable }.prefix(limit))
    }

    /// The answer stands in the tree, or the request went meanwhile. Another one that has come in its place stays open.
    package mutating func answered(_ request: Open) {
        if open[request.place.path]?.czxid == request.czxid { gone(request.place.path) }
    }

    /// The tree does not let gateways answer it.
    package mutating func unwritable(_ request: Open, detail: String) {
        let path = request.place.path
        guard open[path]?.czxid == request.czxid else { return }
        gone(path)
        unwanted[path] = Unwanted(
            path: path, principal: request.place.principal, version: 0, czxid: request.czxid, reason: .unwritable,
            detail: detail)
    }

    /// It has been deleted, or cannot be.
    package mutating func discarded(_ item: Unwanted) {
        if unwanted[item.path]?.czxid == item.czxid { unwanted[item.path] = nil }
    }
}
