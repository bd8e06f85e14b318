import Plant
import Testing

@testable import Gateway

@Suite("Requests over MQTT that wait")
struct RequestQueueTests {
    private static func request(_ number: Int = 0) -> RequestMessage {
        RequestMessage(payload: Array("\(number)".utf8), receivedAt: 0)
    }

    @Test("a requester that floods uses up its own share; requesters take turns, each in the order in which it asked")
    func share() {
        var queue = RequestQueue(
            limits: .init(waiting: 10, waitingPerRequester: 4, underway: 3, underwayPerRequester: 2, perMinute: 6))
        for number in 0..<4 { #expect(queue.offer(Self.request(number), by: "flood", at: 0) == .taken) }
        for _ in 0..<1_000 { #expect(queue.offer(Self.request(), by: "flood", at: 0) == .tooMany) }
        #expect(queue.offer(Self.request(100), by: "ann", at: 0) == .taken)
        var taken: [[UInt8]] = []
        while let next = queue.next() {
            taken.append(next.message.payload)
            queue.finished(next)
        }
        #expect(taken == [0, 100, 1, 2, 3].map { Array("\($0)".utf8) })
        // Two more in this minute, as many as it wants again in the next.
        #expect(queue.offer(Self.request(), by: "flood", at: 59_000) == .taken)
        #expect(queue.offer(Self.request(), by: "flood", at: 59_999) == .taken)
        #expect(queue.offer(Self.request(), by: "flood", at: 59_999) == .tooMany)
        #expect(queue.offer(Self.request(), by: "flood", at: 60_000) == .taken)
    }

    @Test("only so many are on their way at a time, and only so many wait")
    func bounds() {
        var queue = RequestQueue(limits: .init(waiting: 5, underway: 2))
        for number in 0..<5 { #expect(queue.offer(Self.request(), by: "\(number)", at: 0) == .taken) }
        #expect(queue.offer(Self.request(), by: "late", at: 0) == .full)
        let first = queue.next()
        #expect(first != nil && queue.next() != nil)
        #expect(queue.next() == nil)
        if let first { queue.finished(first) }
        #expect(queue.next() != nil)
        #expect(queue.next() == nil)
        #expect(queue.count == 2)
    }

    @Test("one requester cannot take all the ways to the tree")
    func underway() {
        var queue = RequestQueue(limits: .init(underway: 4, underwayPerRequester: 2))
        for number in 0..<4 { _ = queue.offer(Self.request(number), by: "flood", at: 0) }
        #expect(queue.next() != nil && queue.next() != nil)
        #expect(queue.next() == nil)
        _ = queue.offer(Self.request(9), by: "ann", at: 0)
        #expect(queue.next()?.requester == "ann")
        #expect(queue.next() == nil)
    }

    @Test("names that are made up share one allowance")
    func madeUp() {
        var queue = RequestQueue(
            limits: .init(waiting: 10_000, waitingPerRequester: 10_000, perMinute: 10, requesters: 20))
        var taken = 0
        for number in 0..<5_000 where queue.offer(Self.request(), by: "r\(number)", at: 0) == .taken { taken += 1 }
        #expect(taken == 30)
    }
}
