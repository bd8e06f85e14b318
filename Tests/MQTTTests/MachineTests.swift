import Testing

@testable import MQTT

@Suite("When to try again")
struct ReconnectScheduleTests {
    private let lost = MQTTDisconnection.network(code: 104, text: "reset")
    private let backoff = MQTTBackoff(
        initial: .milliseconds(50), maximum: .seconds(10), jitter: 0.5, afterRefusal: .seconds(20),
        briefConnections: 5, briefly: .seconds(1))

    @Test("waits double from the first one to the longest, and begin again once the broker has accepted")
    func doubling() {
        var schedule = ReconnectSchedule(backoff)
        let waits = (0..<10).map { _ in schedule.delay(after: lost, connectedFor: nil, random: 0) }
        let expected = [50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000].map { Duration.milliseconds($0) }
        #expect(waits == expected)
        #expect(schedule.delay(after: lost, connectedFor: .milliseconds(1), random: 0) == .milliseconds(50))
        #expect(schedule.delay(after: lost, connectedFor: nil, random: 0) == .milliseconds(50))
        #expect(schedule.delay(after: lost, connectedFor: nil, random: 0) == .milliseconds(100))
    }

    @Test("waits do not grow across connections that succeeded, however many and however short-lived")
    func connectionsThatSucceeded() {
        var schedule = ReconnectSchedule(backoff)
        for _ in 0..<100 {
            #expect(schedule.delay(after: lost, connectedFor: .seconds(1), random: 0) == .milliseconds(50))
        }
        for _ in 0..<5 {
            #expect(schedule.delay(after: lost, connectedFor: .milliseconds(20), random: 0) == .milliseconds(50))
        }
    }

    @Test("clients that throw each other out do so ever more slowly; a connection that lasts ends that")
    func briefConnections() {
        var schedule = ReconnectSchedule(backoff)
        let waits = (0..<9).map { _ in schedule.delay(after: lost, connectedFor: .milliseconds(20), random: 0) }
        #expect(waits == [50, 50, 50, 50, 50, 100, 200, 400, 800].map { Duration.milliseconds($0) })
        #expect(schedule.delay(after: lost, connectedFor: .seconds(2), random: 0) == .milliseconds(50))
        #expect(schedule.delay(after: lost, connectedFor: .milliseconds(20), random: 0) == .milliseconds(50))
    }

    @Test("when somebody wants the connection now, waits begin with the shortest")
    func startOver() {
        var schedule = ReconnectSchedule(backoff)
        for _ in 0..<9 { _ = schedule.delay(after: lost, connectedFor: nil, random: 0) }
        schedule.startOver()
        #expect(schedule.delay(after: lost, connectedFor: nil, random: 0) == .milliseconds(50))
    }

    @Test("the random part is no more than the jitter, and waits stay bounded for ever")
    func jitter() {
        var schedule = ReconnectSchedule(backoff)
        #expect(schedule.delay(after: lost, connectedFor: nil, random: 0.999) > .milliseconds(25))
        for _ in 0..<10_000 {
            let delay = schedule.delay(after: lost, connectedFor: nil, random: .random(in: 0..<1))
            #expect(delay > .zero && delay <= .seconds(10))
        }
    }

    @Test(
        "what does not heal by itself is tried slowly from the start",
        arguments: [
            MQTTDisconnection.refused(.badUserNameOrPassword), .refused(.notAuthorized),
            .tls("certificate verify failed"),
            .closedByBroker(.sessionTakenOver), .protocolError(code: 2, text: "protocol"),
        ])
    func needsAttention(reason: MQTTDisconnection) {
        var schedule = ReconnectSchedule(backoff)
        #expect(schedule.delay(after: reason, connectedFor: nil, random: 0) == .seconds(20))
    }

    @Test("a broker that is only busy is tried soon", arguments: [MQTTReasonCode.serverBusy, .serverUnavailable])
    func busy(reason: MQTTReasonCode) {
        var schedule = ReconnectSchedule(backoff)
        #expect(schedule.delay(after: .refused(reason), connectedFor: nil, random: 0) == .milliseconds(50))
    }
}

@Suite("When acknowledgements may leave")
struct AcknowledgementHoldTests {
    private let start = ContinuousClock.now

    @Test("open, held, late, overdue")
    func phases() {
        var hold = AcknowledgementHold(limit: .milliseconds(500))
        #expect(hold.decision(now: start) == .write)
        hold.batchDelivered(1, now: start)
        #expect(hold.decision(now: start) == .hold(until: start + .milliseconds(300), read: true))
        #expect(
            hold.decision(now: start + .milliseconds(300)) == .hold(until: start + .milliseconds(500), read: false))
        #expect(hold.decision(now: start + .milliseconds(500)) == .writeOverdue)
        hold.released()
        #expect(hold.decision(now: start + .milliseconds(500)) == .write)
    }

    @Test("it opens when the last batch is acknowledged, not before")
    func opens() {
        var hold = AcknowledgementHold(limit: .milliseconds(500))
        hold.batchDelivered(1, now: start)
        hold.batchDelivered(3, now: start + .milliseconds(10))
        hold.acknowledged(through: 1)
        #expect(hold.decision(now: start + .milliseconds(20)) != .write)
        hold.acknowledged(through: 3)
        #expect(hold.decision(now: start + .milliseconds(20)) == .write)
        hold.released()
        // The clock starts with the next batch.
        hold.batchDelivered(4, now: start + .seconds(9))
        #expect(hold.decision(now: start + .seconds(9)) == .hold(until: start + .milliseconds(9_300), read: true))
    }

    @Test("an acknowledgement from before, or of everything, does no harm")
    func strangeNumbers() {
        var hold = AcknowledgementHold(limit: .milliseconds(500))
        hold.acknowledged(through: .max)
        hold.batchDelivered(1, now: start)
        #expect(hold.decision(now: start) == .write)
        var other = AcknowledgementHold(limit: .milliseconds(500))
        other.batchDelivered(7, now: start)
        other.acknowledged(through: 7)
        other.acknowledged(through: 2)
        #expect(other.decision(now: start) == .write)
    }
}

@Suite("When the inbox is full")
struct InboxPressureTests {
    private let start = ContinuousClock.now

    @Test("flowing, paused, shedding, flowing")
    func phases() {
        var pressure = InboxPressure(messageLimit: 10, byteLimit: 1_000, pauseLimit: .seconds(2))
        #expect(pressure.next(messages: 9, bytes: 999, taken: 0, now: start) == .read)
        #expect(pressure.next(messages: 10, bytes: 0, taken: 0, now: start) == .pause(until: start + .seconds(2)))
        #expect(
            pressure.next(messages: 10, bytes: 0, taken: 0, now: start + .seconds(1))
                == .pause(until: start + .seconds(2)))
        #expect(pressure.next(messages: 10, bytes: 0, taken: 0, now: start + .seconds(2)) == .shed)
        #expect(pressure.next(messages: 5, bytes: 0, taken: 0, now: start + .seconds(2)) == .read)
        // The consumer is stuck: no second pause.
        #expect(pressure.next(messages: 10, bytes: 0, taken: 0, now: start + .seconds(3)) == .shed)
        #expect(pressure.pauses == 1)
        #expect(pressure.next(messages: 0, bytes: 0, taken: 1, now: start + .seconds(3)) == .read)
        #expect(
            pressure.next(messages: 1, bytes: 1_000, taken: 1, now: start + .seconds(3))
                == .pause(until: start + .seconds(5)))
        #expect(pressure.pauses == 2)
    }

    @Test("a consumer that takes the batch ends a pause")
    func pauseEnds() {
        var pressure = InboxPressure(messageLimit: 10, byteLimit: 1_000, pauseLimit: .seconds(2))
        _ = pressure.next(messages: 10, bytes: 0, taken: 0, now: start)
        #expect(pressure.next(messages: 0, bytes: 0, taken: 1, now: start + .milliseconds(1)) == .read)
        #expect(pressure.state == .flowing)
    }
}

@Suite("Batches")
struct BatchTests {
    private func filled(_ count: Int) -> BatchBuilder {
        var builder = BatchBuilder(reservingMessages: 0, bytes: 0)
        for number in 0..<count {
            append("topic/\(number)", "payload \(number)", number, to: &builder)
        }
        return builder
    }

    private func append(_ topic: String, _ payload: String, _ number: Int, to builder: inout BatchBuilder) {
        let fits = Array(topic.utf8).withUnsafeBytes { topic in
            Array(payload.utf8).withUnsafeBytes { payload in
                builder.append(
                    topic: topic, payload: payload, qos: number % 2 == 0 ? .atMostOnce : .atLeastOnce,
                    retain: number % 3 == 0,
                    properties: number % 5 == 0 ? MQTTProperties(contentType: "\(number)") : nil,
                    receivedAtMs: Int64(number))
            }
        }
        #expect(fits)
    }

    private func check(_ batch: MQTTMessageBatch, numbers: Range<Int>) {
        #expect(batch.entries.count == numbers.count)
        for (number, entry) in zip(numbers, batch.entries) {
            #expect(String(decoding: batch.topic(entry), as: UTF8.self) == "topic/\(number)")
            #expect(String(decoding: batch.payload(entry), as: UTF8.self) == "payload \(number)")
            #expect(entry.qos == (number % 2 == 0 ? .atMostOnce : .atLeastOnce))
            #expect(entry.retain == (number % 3 == 0))
            #expect(batch.properties(entry)?.contentType == (number % 5 == 0 ? "\(number)" : nil))
            #expect(entry.receivedAtMs == Int64(number))
        }
    }

    @Test("messages come out as they went in")
    func roundTrip() { check(filled(100).finish(), numbers: 0..<100) }

    @Test("of topics that send alike the older half is shed, the younger stays whole", arguments: [0, 1, 2, 3, 7, 100])
    func shedding(count: Int) {
        var builder = filled(count)
        builder.number = 9
        let shed = Int(builder.shedHalf(byBytes: false).total)
        #expect(shed == (count + 1) / 2)
        #expect(builder.number == 9)
        // And it can still be added to.
        append("topic/\(count)", "payload \(count)", count, to: &builder)
        check(builder.finish(), numbers: shed..<(count + 1))
    }
}

@Suite("Addresses and settings")
struct ConfigurationTests {
    @Test(
        "addresses that are understood",
        arguments: [
            ("mqtt://broker", "broker", 1883, false), ("mqtt://broker:1884", "broker", 1884, false),
            ("mqtts://broker", "broker", 8883, true), ("mqtts://broker:1/", "broker", 1, true),
            ("mqtt://[::1]:1885", "::1", 1885, false), ("mqtt://[fe80::1]", "fe80::1", 1883, false),
        ])
    func addresses(url: String, host: String, port: Int, secure: Bool) throws {
        let broker = try MQTTBroker(url: url)
        #expect(broker == MQTTBroker(host: host, port: port, secure: secure))
        #expect(try MQTTBroker(url: "\(broker)") == broker)
    }

    @Test(
        "addresses that are not",
        arguments: [
            "", "broker", "http://broker", "mqtt://", "mqtt://:1883", "mqtt://b:", "mqtt://b:0", "mqtt://b:65536",
            "mqtt://b:x", "mqtt://user:pw@b", "mqtt://[::1", "mqtt://[::1]x", "mqtt://a b", "mqtt://a/b",
        ])
    func wrongAddresses(url: String) { #expect(throws: MQTTError.self) { try MQTTBroker(url: url) } }

    @Test("settings that cannot work are named")
    func settings() throws {
        func fails(_ change: (inout MQTTClient.Configuration) -> Void) -> Bool {
            var configuration = MQTTClient.Configuration(broker: MQTTBroker(host: "b"), clientID: "c")
            change(&configuration)
            do {
                try configuration.validate()
                return false
            } catch {
                return true
            }
        }
        #expect(!fails { _ in })
        #expect(fails { $0.keepAlive = .seconds(4) })
        #expect(fails { $0.receiveMaximum = 0 })
        #expect(fails { $0.deadLinkTimeout = .seconds(1) })
        #expect(!fails { $0.deadLinkTimeout = .zero })
        #expect(fails { $0.networkTimeout = .zero })
        #expect(fails { $0.reconnect.initial = .zero })
        #expect(fails { $0.reconnect.maximum = .milliseconds(10) })
        #expect(fails { $0.maxInFlightPublishes = 1_001 })
        #expect(fails { $0.clientID = "a\u{0}b" })
        #expect(fails { $0.password = "only" })
        #expect(fails { $0.will = MQTTWill(topic: "a/#", payload: []) })
        #expect(fails { $0.will = MQTTWill(topic: "a", payload: [UInt8](repeating: 0, count: 65_536)) })
        #expect(fails { $0.tls = MQTTTLS() })
        #expect(
            fails {
                $0.broker.secure = true
                $0.tls = MQTTTLS(certificateFile: "/etc/hostname")
            })
        #expect(fails { $0.inboxByteLimit = .max })
    }

    @Test("reasons have words")
    func reasons() {
        #expect("\(MQTTReasonCode.notAuthorized)".contains("(0x87)"))
        #expect("\(MQTTReasonCode.success)".contains("(0x00)"))
        #expect(MQTTReasonCode(connectAnswer: 4, version: .v311) == .badUserNameOrPassword)
        #expect(MQTTReasonCode(connectAnswer: 5, version: .v311) == .notAuthorized)
        #expect(MQTTReasonCode(connectAnswer: 0x87, version: .v5) == .notAuthorized)
        #expect(MQTTReasonCode(connectAnswer: 9_999, version: .v5).rawValue == 255)
    }
}

@Suite("What tasks want of the connection")
struct OutboxTests {
    private func publish() -> PublishSlot {
        PublishSlot(
            topic: Array("echo".utf8), payload: [1], qos: .atLeastOnce, retain: false, properties: MQTTProperties(),
            notAfter: nil)
    }

    @Test("no publish overtakes a subscription that was asked for before it, whenever the thread looks")
    func publishesBehindSubscriptions() throws {
        let outbox = Outbox(waitingLimit: 10, startsSuspended: false, wake: WakeDescriptor())
        outbox.open()
        try outbox.publish(publish())
        #expect(outbox.takeRequests().subscriptionChanges.isEmpty)
        // The thread has taken what was asked for, and not yet what is to be published.
        outbox.change(.add(MQTTSubscription(filter: "echo")))
        try outbox.publish(publish())
        #expect(outbox.takePublishes(10).isEmpty)
        #expect(outbox.takeRequests().subscriptionChanges.count == 1)
        #expect(outbox.takePublishes(10).count == 2)
    }
}
