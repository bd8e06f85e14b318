import JSON
import Plant
import Testing

@testable import Simulation

@Suite struct PlantModelTests {
    static let start: Milliseconds = 1_700_000_000_000

    private func model(devices: Int = 8, rate: Double = 2, seed: UInt64 = 1) -> PlantModel {
        PlantModel(devices: devices, rate: rate, seed: seed, start: Self.start)
    }

    private func value(_ message: SimulatedMessage) throws -> JSONValue {
        try #require(try JSONValue(parsing: message.payload)["v"])
    }

    @Test func theSameSeedGivesTheSamePlantHoweverOftenItIsAsked() {
        var once = model()
        var often = model()
        var other = model(seed: 2)
        let all = once.advance(to: Self.start + 60_000)
        var pieces: [SimulatedMessage] = []
        for step in 0..<600 { pieces += often.advance(to: Self.start + Int64(step + 1) * 100) }
        #expect(all.count > 1000)
        #expect(all == pieces)
        #expect(all != other.advance(to: Self.start + 60_000))
    }

    @Test func messagesComeInOrderAtTheirRate() throws {
        var model = model(devices: 7, rate: 10)
        let expected = model.messageRate
        let messages = model.advance(to: Self.start + 9999)
        #expect(abs(Double(messages.count) - expected * 10) < expected)
        var last: Milliseconds = 0
        for message in messages {
            let time = try #require(try JSONValue(parsing: message.payload)["ts"]?.intValue)
            #expect(time >= last)
            last = time
        }
    }

    @Test(arguments: [1, 2, 42, 4711] as [UInt64])
    func aPersonSeesAnAlarmSoonAndItClears(seed: UInt64) throws {
        var model = model(seed: seed)
        var above: [Milliseconds] = []
        for message in model.advance(to: Self.start + 40_000) where message.topic == "factory/line1/press1/temperature"
        {
            let json = try JSONValue(parsing: message.payload)
            let value = try #require(json["v"]?.doubleValue)
            if value > 85 { above.append(try #require(json["ts"]?.intValue) - Self.start) }
        }
        let first = try #require(above.first)
        let last = try #require(above.last)
        #expect(first < 9000, "first above the limit after \(first) ms")
        #expect(last - first > 3000, "above the limit for \(last - first) ms")
        #expect(last < 25_000, "still above the limit after \(last) ms")
    }

    @Test func oneDeviceDropsOutAndReturns() {
        var model = model()
        var changes: [(at: Milliseconds, offline: Bool)] = []
        for step in 1...600 {
            let now = Self.start + Int64(step) * 100
            let messages = model.advance(to: now)
            if model.isDropoutOffline != changes.last?.offline ?? false {
                changes.append((now, model.isDropoutOffline))
            }
            if model.isDropoutOffline, let dropout = model.dropout, changes.last?.at != now {
                let path = model.devices[dropout].path
                #expect(!messages.contains { $0.topic.hasPrefix(path + "/") })
            }
        }
        #expect(changes.map(\.offline) == [true, false], "\(changes)")
    }

    @Test func aConveyorObeysAndAnswers() throws {
        var model = model()
        _ = model.advance(to: Self.start + 1000)
        let answer = model.commandReceived(
            topic: "factory/line1/conveyor1/cmd/setSpeed",
            payload: Array(#"{"id":"c1","parameters":{"rpm":300}}"#.utf8),
            now: Self.start + 1000)
        #expect(answer?.topic == "factory/line1/conveyor1/ack")
        #expect(answer.map { String(decoding: $0.payload, as: UTF8.self) } == #"{"id":"c1","status":"ok"}"#)
        let speeds = model.advance(to: Self.start + 15_000).filter { $0.topic == "factory/line1/conveyor1/speed" }
        let message = try #require(speeds.last)
        let last = try #require(try value(message).doubleValue)
        #expect(abs(last - 300) < 20, "speed is \(last)")
    }

    @Test func whatADeviceMustRefuseItRefuses() throws {
        var model = model()
        let now = Self.start + 5000
        func send(_ command: String, _ payload: String) throws -> JSONValue {
            let answer = model.commandReceived(
                topic: "factory/line1/pump1/cmd/\(command)", payload: Array(payload.utf8), now: now)
            return try JSONValue(parsing: try #require(answer).payload)
        }
        #expect(try send("stopPump", #"{"id":"a","epoch":7,"deadline":\#(now + 1)}"#)["status"] == "ok")
        // The same again: answered as before, not carried out again (the pump would say that it stands still already).
        let again = try send("stopPump", #"{"id":"a","epoch":7,"deadline":\#(now + 1)}"#)
        #expect(again["status"] == "ok")
        #expect(again["message"]?.stringValue?.contains("duplicate") == true)
        #expect(model.devices.map(\.executed).reduce(0, +) == 1)
        #expect(
            try send("startPump", #"{"id":"b","epoch":6}"#)["message"]?.stringValue?.contains("older epoch") == true)
        #expect(
            try send("startPump", #"{"id":"c","deadline":\#(now - 1)}"#)["message"]?.stringValue?.contains("expired")
                == true)
        #expect(try send("dance", #"{"id":"d"}"#)["status"] == "error")
        #expect(try send("startPump", "rubbish")["status"] == "error")
        #expect(model.devices.map(\.executed).reduce(0, +) == 1)
        #expect(try send("startPump", #"{"id":"e","epoch":8}"#)["status"] == "ok")
        #expect(model.commandReceived(topic: "factory/line9/pump1/cmd/startPump", payload: [], now: now) == nil)
    }

    @Test func aDeviceWithoutConnectionDoesNotAnswer() throws {
        var model = model()
        let dropout = try #require(model.dropout)
        let topic = model.devices[dropout].path + "/cmd/setSpeed"
        _ = model.advance(to: Self.start + 26_000)
        #expect(model.isDropoutOffline)
        #expect(
            model.commandReceived(topic: topic, payload: Array(#"{"id":"x","rpm":5}"#.utf8), now: Self.start + 26_000)
                == nil)
    }

    @Test func aDeviceForgetsOldIdsFirst() {
        var inbox = CommandInbox()
        for number in 0...CommandInbox.memory { inbox.finished(id: "\(number)", outcome: .ok) }
        #expect(inbox.received(id: "0", deadline: nil, epoch: nil, now: 0) == .execute)
        #expect(inbox.received(id: "1", deadline: nil, epoch: nil, now: 0) != .execute)
    }
}
