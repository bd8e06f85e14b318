import Primitives
import TestFixtures
import Testing

@testable import Plant

@Suite("RequestDesk: what is open, in which order, and what goes unanswered")
struct RequestDeskTests {
    private static func data(
        _ id: String, by name: String = "ann", kind: String = "acknowledge",
        body: String = #"{"tag":"a","alarm":"b"}"#, answered: Bool = false
    ) -> [UInt8] {
        let answer = answered ? #","answer":{"result":"done","at":1,"gateway":"g"}"# : ""
        return Array(#"{"id":"\#(id)","kind":"\#(kind)","by":"\#(name)","at":1,"body":\#(body)\#(answer)}"#.utf8)
    }

    private static func path(_ id: String, by name: String = "ann") -> String {
        RequestPlace(.mailbox, principal: name, id: id).path
    }

    private static func see(
        _ desk: inout RequestDesk, _ id: String, by name: String = "ann", version: Int32 = 0, czxid: Int64,
        data: [UInt8]? = nil
    ) {
        let data = data ?? self.data(id, by: name)
        desk.seen(
            .init(path(id, by: name), data: data, version: version, czxid: czxid, created: czxid), at: 0)
    }

    private static func answer(_ desk: inout RequestDesk, _ id: String) {
        for open in desk.next(for: .alarmProcessor, limit: 1_000) where open.place.id == id { desk.answered(open) }
    }

    private static func next(_ desk: RequestDesk, _ limit: Int = 10) -> [String] {
        desk.next(for: .alarmProcessor, limit: limit).map(\.place.id)
    }

    @Test("open requests come in the order of their creation, whatever order they are seen in, until they are answered")
    func order() {
        var desk = RequestDesk()
        for (id, czxid) in [("c", 3), ("a", 1), ("d", 4), ("b", 2)] as [(String, Int64)] {
            Self.see(&desk, id, czxid: czxid)
        }
        #expect(Self.next(desk) == ["a", "b", "c", "d"])
        #expect(Self.next(desk, 2) == ["a", "b"])
        Self.answer(&desk, "b")
        // Read before the answer was written, and told afterwards: the tree refuses a second answer.
        #expect(Self.next(desk) == ["a", "c", "d"])
        Self.see(&desk, "a", version: 1, czxid: 1, data: Self.data("a", answered: true))
        desk.gone(Self.path("d"))
        #expect(Self.next(desk) == ["c"])
        #expect(desk.count == 1 && desk.count(of: "ann") == 1 && !desk.hasDiscards)
    }

    @Test("each request is for the one who is responsible")
    func responsible() throws {
        var desk = RequestDesk()
        Self.see(&desk, "a", czxid: 1)
        let body = #"{"device":"factory/line1/press1","command":"go"}"#
        Self.see(&desk, "b", czxid: 2, data: Self.data("b", kind: "command", body: body))
        let shard = ShardMap.shard(of: try TagPath("factory/line1/press1"))
        #expect(Set(desk.responsible) == [.alarmProcessor, .shardOwner(shard)])
        #expect(desk.next(for: .shardOwner(shard), limit: 5).map(\.place.id) == ["b"])
        #expect(desk.next(for: .shardOwner(shard + 1), limit: 5).isEmpty)
        for open in desk.next(for: .shardOwner(shard), limit: 5) { desk.answered(open) }
        #expect(Set(desk.responsible) == [.alarmProcessor])
    }

    @Test("what is no request, and what was changed without an answer, is to be deleted in the version that was seen")
    func discards() throws {
        var desk = RequestDesk()
        Self.see(&desk, "a", version: 3, czxid: 1)
        Self.see(&desk, "b", czxid: 2, data: Array("nonsense".utf8))
        Self.see(&desk, "c", czxid: 3, data: Self.data("c", by: "eve"))
        desk.seen(.init("/requests/ann/x/y", data: [], version: 0, czxid: 4, created: 4), at: 0)
        let found = Dictionary(uniqueKeysWithValues: desk.discards(limit: 10).map { ($0.path, $0) })
        #expect(
            found.mapValues(\.reason) == [
                Self.path("a"): .changed, Self.path("b"): .unreadable, Self.path("c"): .unreadable,
                "/requests/ann/x/y": .unreadable,
            ])
        #expect(found[Self.path("a")]?.version == 3 && found[Self.path("c")]?.principal == "ann")
        #expect(desk.discards(limit: 2).count == 2)
        // An answer in a later version: nothing more to do.
        Self.see(&desk, "a", version: 4, czxid: 1, data: Self.data("a", answered: true))
        for path in [Self.path("b"), Self.path("c"), "/requests/ann/x/y"] { desk.gone(path) }
        #expect(!desk.hasDiscards && desk.count == 0)
    }

    @Test("a request that changes while it is open is not answered")
    func changed() {
        var desk = RequestDesk()
        Self.see(&desk, "a", czxid: 1)
        Self.see(&desk, "a", version: 1, czxid: 1)
        #expect(Self.next(desk).isEmpty)
        #expect(desk.discards(limit: 9).map(\.reason) == [.changed])
        // Deleted and made again under the same name: another one.
        Self.see(&desk, "a", czxid: 5)
        #expect(Self.next(desk) == ["a"] && !desk.hasDiscards)
    }

    @Test("a principal has so many open requests and no more; others have theirs")
    func limit() {
        var desk = RequestDesk()
        for number in 0..<(RequestDesk.openLimit + 5) { Self.see(&desk, "r\(number)", czxid: Int64(number)) }
        Self.see(&desk, "b", by: "bob", czxid: 1_000)
        #expect(desk.count(of: "ann") == RequestDesk.openLimit && desk.count(of: "bob") == 1)
        #expect(desk.discards(limit: 100).map(\.reason) == Array(repeating: .tooMany, count: 5))
        // Over MQTT it is the one on whose behalf the gateways ask that counts, not the gateways.
        let place = RequestPlace(.mqtt, principal: "ann", id: "m")
        let text = #"{"id":"m","kind":"forget","by":"g","onBehalfOf":"ann","at":1,"body":{"tag":"a"}}"#
        desk.seen(.init(place.path, data: Array(text.utf8), version: 0, czxid: 2_000, created: 1), at: 0)
        #expect(desk.discards(limit: 100).count == 6)
        Self.answer(&desk, "r0")
        Self.see(&desk, "s", czxid: 3_000)
        #expect(desk.count(of: "ann") == RequestDesk.openLimit && Self.next(desk, 1_000).contains("s"))
    }

    @Test("the time of a request runs from when it was seen, whatever the requester's clock shows")
    func expiry() throws {
        func open(_ deadline: String) throws -> RequestDesk.Open {
            var desk = RequestDesk()
            let text = #"{"id":"a","kind":"forget","by":"ann","at":1000000,\#(deadline)"body":{"tag":"a"}}"#
            desk.seen(
                .init(Self.path("a"), data: Array(text.utf8), version: 0, czxid: 1, created: 50_000), at: 7_000)
            return try #require(desk.next(for: .alarmProcessor, limit: 1).first)
        }
        let five = try open(#""deadline":1005000,"#)
        #expect(!five.isExpired(at: 12_000, wall: 55_000))
        #expect(five.isExpired(at: 12_001, wall: 55_000))
        // Clocks of tree and gateway that differ somewhat are no reason; an hour is, as far as the clock is to be believed.
        #expect(!five.isExpired(at: 7_000, wall: 655_000))
        #expect(five.isExpired(at: 7_000, wall: 655_001))
        #expect(!five.isExpired(at: 7_000, wall: nil))
        #expect(!five.isExpired(at: 7_000, wall: 0))
        let none = try open("")
        #expect(!none.isExpired(at: 67_000, wall: 0) && none.isExpired(at: 67_001, wall: 0))
        let past = try open(#""deadline":1,"#)
        #expect(!past.isExpired(at: 7_000, wall: 0) && past.isExpired(at: 7_001, wall: 0))
    }

    @Test("one that gateways may not write is to be deleted, too")
    func unwritable() {
        var desk = RequestDesk()
        Self.see(&desk, "a", czxid: 1)
        Self.see(&desk, "b", version: 1, czxid: 2)
        for open in desk.next(for: .alarmProcessor, limit: 1) { desk.unwritable(open, detail: "noAuth") }
        #expect(Self.next(desk).isEmpty)
        #expect(desk.discards(limit: 9, onlyUnwritable: true).map(\.path) == [Self.path("a")])
        // What the cache tells once more about the same version brings it back to nobody.
        Self.see(&desk, "a", czxid: 1)
        #expect(Self.next(desk).isEmpty)
    }

    @Test("what became of a request does not touch another one that has come in its place")
    func replaced() throws {
        var desk = RequestDesk()
        Self.see(&desk, "a", czxid: 1)
        let former = try #require(desk.next(for: .alarmProcessor, limit: 1).first)
        Self.see(&desk, "a", czxid: 5)
        desk.answered(former)
        desk.unwritable(former, detail: "noAuth")
        #expect(Self.next(desk) == ["a"])
        Self.see(&desk, "b", version: 1, czxid: 2)
        let unwanted = try #require(desk.discards(limit: 1).first)
        Self.see(&desk, "b", czxid: 6)
        desk.discarded(unwanted)
        #expect(Self.next(desk) == ["a", "b"])
    }

    @Test("what gateways may not read, or what is too long to be read, is deleted as unreadable")
    func refused() {
        var desk = RequestDesk()
        desk.seen(.init(Self.path("a"), data: nil, version: 0, czxid: 1, created: 1), at: 0)
        #expect(desk.discards(limit: 9).map(\.reason) == [.unreadable])
    }

    @Test("walks at random: the desk is what stands in the tree", arguments: 0..<40 as Range<UInt64>)
    func walk(seed: UInt64) {
        struct Node {
            var version: Int32
            let czxid: Int64
            var isAnswered: Bool
        }
        var random = SeededRandom(seed: seed)
        var desk = RequestDesk()
        var tree: [String: Node] = [:]
        var zxid: Int64 = 0
        for _ in 0..<600 {
            let id = "r\(Int.random(in: 0..<12, using: &random))"
            zxid += 1
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1:
                if tree[id] == nil { tree[id] = Node(version: 0, czxid: zxid, isAnswered: false) }
            case 2:
                if let node = tree[id], node.version == 0, Self.next(desk, 99).contains(id) {
                    tree[id] = Node(version: 1, czxid: node.czxid, isAnswered: true)
                    Self.answer(&desk, id)
                }
            case 3:
                if var node = tree[id] {
                    node.version += 1
                    tree[id] = node
                }
            case 4:
                tree[id] = nil
                desk.gone(Self.path(id))
            default:
                desk.listed(Set(tree.keys.map { Self.path($0) }))
            }
            if let node = tree[id] {
                Self.see(
                    &desk, id, version: node.version, czxid: node.czxid, data: Self.data(id, answered: node.isAnswered))
            }
        }
        desk.listed(Set(tree.keys.map { Self.path($0) }))
        let open = tree.filter { $0.value.version == 0 }.sorted { $0.value.czxid < $1.value.czxid }.map(\.key)
        #expect(Self.next(desk, 99) == open)
        let changed = tree.filter { $0.value.version > 0 && !$0.value.isAnswered }.map { Self.path($0.key) }
        #expect(Set(desk.discards(limit: 99).map(\.path)) == Set(changed))
        for item in desk.discards(limit: 99) {
            #expect(item.version == tree.first { Self.path($0.key) == item.path }?.value.version)
        }
        #expect(desk.count(of: "ann") == open.count)
    }
}

extension RequestDesk {
    fileprivate var hasDiscards: Bool { !discards(limit: 1).isEmpty }
}
