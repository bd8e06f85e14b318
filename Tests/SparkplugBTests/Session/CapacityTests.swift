import SparkplugB
import Testing

@Suite("Session: what one edge node may take up")
struct CapacityTests {
    private func listener(_ change: (inout EdgeNodeCapacities) -> Void) -> Listener {
        var capacities = EdgeNodeCapacities()
        change(&capacities)
        return Listener(capacities: capacities)
    }

    @Test("metrics beyond the capacity are refused by name, and those that are known go on")
    func metrics() {
        var listener = listener { $0.metrics = 2 }
        let told = listener.hear(.nodeBirth, birth((0..<4).map { int("m\($0)", alias: UInt64($0), 1) }), at: 0)
        #expect(
            told == [
                "node online at 0", "m0=1", "m1=1", "refused m2: the edge node has too many metrics",
                "refused m3: the edge node has too many metrics",
            ])
        #expect(listener.hear(.nodeData, message(1, [int(0, 2), int(3, 2)]), at: 0) == ["m0=2"])
        // Those of births before count: a client that keeps inventing names fills its own capacity alone.
        #expect(listener.hear(.nodeBirth, birth(at: 9000, [int("n", 1), int("m1", 3)]), at: 0).contains("m1=3"))
        #expect(listener.session.counters.refusals == 3)
        #expect(listener.session.tagCount == 2)
    }

    @Test("bytes of names, and devices")
    func namesAndDevices() {
        var listener = listener {
            $0.nameBytes = 10
            $0.devices = 1
        }
        #expect(
            listener.hear(.nodeBirth, birth([int("abcdef", 1), int("ghijk", 1), int("lmno", 1)]), at: 0) == [
                "node online at 0", "abcdef=1",
                "refused ghijk: the names of the edge node are too long, taken together", "lmno=1",
            ])
        #expect(listener.hear(.deviceBirth, message(1), device: "d1", at: 0) == ["d1 online at 0"])
        #expect(
            listener.hear(.deviceBirth, message(2), device: "d2", at: 0)
                == ["refused d2: the edge node has too many devices"])
        #expect(listener.hear(.deviceBirth, message(3), device: "d1", at: 0) == [])
        var another = self.listener { $0.nameBytes = 10 }
        _ = another.hear(.nodeBirth, birth(), at: 0)
        #expect(
            another.hear(.deviceBirth, message(1), device: "long device", at: 0)
                == ["refused long device: the names of the edge node are too long, taken together"])
    }

    @Test("what waits is bounded with the names of its devices, which may be longer than what they say")
    func heldNames() {
        var listener = listener { $0.heldBytes = 2_000 }
        _ = listener.hear(.nodeBirth, birth(), at: 0)
        for step in UInt64(2)...3 {
            let device = String(repeating: "d", count: 900) + "\(step)"
            #expect(listener.hear(.deviceBirth, message(step), device: device, at: 1) == [])
        }
        #expect(listener.session.counters.gaps == 0)
        // Nothing is waited for any more.
        let device = String(repeating: "d", count: 900) + "4"
        #expect(listener.hear(.deviceBirth, message(4), device: device, at: 1).count == 3)
        #expect(listener.session.counters.gaps == 1)
        // What has been taken takes no room.
        let held = { (step: UInt64) in String(repeating: "d", count: 900) + "\(step)" }
        for step in UInt64(6)...7 {
            #expect(listener.hear(.deviceBirth, message(step), device: held(step), at: 2) == [])
        }
        #expect(listener.hear(.deviceBirth, message(5), device: held(5), at: 3).count == 3)
        for step in UInt64(9)...10 {
            #expect(listener.hear(.deviceBirth, message(step), device: held(step), at: 4) == [])
        }
        #expect(listener.session.counters.gaps == 1)
    }

    @Test("only some refusals of a message are named, all are counted")
    func refusals() {
        var listener = listener { $0.refusalsPerMessage = 3 }
        let told = listener.hear(.nodeBirth, birth((0..<50).map { int("m\($0)+", 1) }), at: 0)
        #expect(told.count == 4 && listener.session.counters.refusals == 50)
    }

    @Test(
        "names that no tag can have",
        arguments: [
            ("", "it is empty"), ("a+", "it contains + or #, which no topic may"),
            ("#", "it contains + or #, which no topic may"), ("a\0b", "it contains the character U+0000"),
            (String(repeating: "x", count: 769), "it has more than 768 bytes"),
            (String(repeating: "/", count: 24), "it has more than 24 levels"),
        ])
    func names(_ name: String, _ reason: String) {
        var listener = Listener()
        #expect(
            listener.hear(.nodeBirth, birth([int(name, 1), int("ok", 2)]), at: 0)
                == ["node online at 0", "refused \(name): \(reason)", "ok=2"])
        #expect(throws: SparkplugTagName.Refusal.self) { try SparkplugTagName.levels(of: Array(name.utf8).span) }
    }

    @Test("names that are levels of a tag", arguments: ["a", "a/b", "/a", "a//b", "a/", "é 水", "@a", "..", "%"])
    func levels(_ name: String) throws {
        #expect(try SparkplugTagName.levels(of: Array(name.utf8).span) == name)
    }

    @Test("a metric without a name in a birth, without name and alias in data")
    func unnamed() {
        var listener = Listener()
        #expect(
            listener.hear(.nodeBirth, birth([SparkplugMetric(type: .int32, value: .int(1))]), at: 0).last
                == "refused : neither a name nor an alias at byte 46")
        #expect(listener.hear(.nodeData, message(1, [SparkplugMetric(value: .int(1))]), at: 0) == [])
        #expect(listener.session.counters.unknownMetrics == 1)
    }
}
