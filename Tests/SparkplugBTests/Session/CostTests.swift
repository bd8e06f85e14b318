import Testing

@testable import SparkplugB

@Suite("Session: what a message costs, and what waits")
struct CostTests {
    @Test("A small birth behind a large one goes through what these two name, and the next one through its own alone")
    func smallBirths() {
        var listener = Listener()
        let many = (0..<5_000).map { int("m\($0)", alias: UInt64($0), 1) }
        _ = listener.hear(.nodeBirth, birth(many), at: 0)
        #expect(listener.session.table.devices[0].named.count == 5_000)
        let small = listener.hear(.nodeBirth, birth(at: 3_000, [int("m7", alias: 7, 2)]), at: 3_000)
        #expect(small.count == 1 + 4_999 && small.contains("m4999 stale") && !small.contains("m7 stale"))
        for round in UInt64(2)..<5 {
            let told = listener.hear(
                .nodeBirth, birth(at: round * 3_000, [int("m7", alias: 7, 2), int("m7", 3)]), at: Int64(round) * 3_000)
            #expect(told == ["m7=2", "m7=3"])
            #expect(listener.session.table.devices[0].named.count == 1)
            #expect(listener.session.table.devices[0].formerlyNamed.isEmpty)
        }
        // What was left out comes back, and leaves again.
        #expect(listener.hear(.nodeBirth, birth(at: 30_000, [int("m9", 4)]), at: 30_000) == ["m9=4", "m7 stale"])
    }

    @Test("A metric that is a data set in one birth and a number in the next has the tags of what it is now")
    func changingKinds() {
        var listener = Listener()
        let table = SparkplugDataSet(columns: ["x"], types: [.int32], rows: [[.int(1)]])
        let set = SparkplugMetric(name: "m", type: .dataSet, value: .dataSet(table))
        for round in UInt64(0)..<6 {
            let isSet = round.isMultiple(of: 2)
            let told = listener.hear(
                .nodeBirth, birth(at: 1_000 + round * 5_000, [isSet ? set : int("m", 5)]), at: Int64(round) * 5_000)
            #expect(
                Set(told.suffix(round == 0 ? 1 : 2))
                    == Set([isSet ? "m/x=1" : "m=5"] + (round == 0 ? [] : [isSet ? "m stale" : "m/x stale"])))
        }
        #expect(listener.session.tagCount == 2)
        #expect(listener.session.table.metrics[0].leaves.count == 1)
    }

    @Test("What waits counts as what the session takes, until it is taken; without room nothing waits")
    func waiting() {
        var listener = Listener()
        _ = listener.hear(.nodeBirth, birth([int("a", alias: 1, 0)]), at: 0)
        let before = listener.session.footprint
        let long = String(repeating: "x", count: 10_000)
        let text = SparkplugMetric(name: "t", type: .string, value: .string(long))
        _ = listener.hear(.nodeData, message(3, [text]), at: 10)
        #expect(listener.session.footprint >= before + 10_000)
        _ = listener.advance(to: 3_000)
        #expect(listener.session.footprint == before)
        listener.session.isClosed = true
        #expect(listener.hear(.nodeData, message(9, [int("a", 5)]), at: 3_010) == ["a=5"])
        #expect(listener.session.footprint == before && listener.session.counters.gaps == 2)
    }

    @Test("An array becomes no longer text than a value may have", arguments: [true, false])
    func longArrays(isTrue: Bool) {
        func text(_ count: Int) -> Result<SparkplugScalar, SparkplugError> {
            let bits = [UInt8](repeating: isTrue ? 0xFF : 0, count: (count + 7) / 8)
            let bytes = withUnsafeBytes(of: UInt32(count).littleEndian, Array.init) + bits
            do throws(SparkplugError) {
                return .success(try SparkplugScalar(bytes.span, isBytes: true, as: .booleanArray, at: 3))
            } catch {
                return .failure(error)
            }
        }
        let most = (SparkplugScalar.textCapacity - 1) / (isTrue ? 5 : 6)
        guard case .success(.text(let longest)) = text(most) else {
            Issue.record("\(most) elements are refused")
            return
        }
        #expect(longest.utf8.count <= SparkplugScalar.textCapacity && longest.hasSuffix("e]"))
        #expect(text(most + 1) == .failure(SparkplugError(.textTooLong, at: 3)))
        #expect(text(500_000) == .failure(SparkplugError(.textTooLong, at: 3)))
    }
}
