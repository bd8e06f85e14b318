import Testing

@testable import Plant

/// The table of latest values never decides what the alarms see: their position comes from the records.
@Suite("Position of the alarms")
struct AlarmPositionTests {
    /// Given a spike and its end a millisecond later, when the gateway is killed after the end has been written and before
    /// anything has been recorded, then the broker's redelivery raises the alarm.
    @Test("A spike that was not recorded is evaluated again, although the tree has a newer value")
    func spike() throws {
        var first = try LivePlantFixture()
        first.hear(90, at: 0)
        first.hear(51, at: 1)
        var second = try first.restarted(nodes: first.flush())
        second.hear(90, at: 0)
        second.hear(51, at: 1)
        second.prove()
        #expect(second.steps == [Step(.activated, .high, at: 0), Step(.returned, .normal, at: 1)])
    }

    @Test("What is recorded already is not recorded again")
    func recorded() throws {
        var first = try LivePlantFixture()
        first.hear(90, at: 0)
        let record = first.record()
        first.hear(51, at: 1)
        var second = try first.restarted(nodes: first.flush(), record: record)
        second.hear(90, at: 0)
        second.hear(51, at: 1)
        second.prove()
        #expect(second.steps == [Step(.returned, .normal, at: 1)])
    }

    /// Two gateways: the tree's value came from the other one, which has been killed as well.
    @Test("A value that another gateway wrote hides no sample from the alarms")
    func another() throws {
        var first = try LivePlantFixture()
        first.hear(20, at: 0)
        var other = try LivePlantFixture()
        other.hear(20, at: 0)
        other.hear(90, at: 5)
        other.hear(51, at: 6)
        let nodes = other.flush().map { (path: $0.key, data: $0.value) }
        let tags = first.plant.tagsInTree(ofShards: .max)
        #expect(tags.isEmpty)
        _ = first.flush()
        let tag = try #require(first.plant.tagsInTree(ofShards: .max).first?.tag)
        let read: [LivePlant.TagNode] = nodes.map { (tag: tag, data: $0.data) }
        first.plant.reconcile(
            shards: .max, nodes: read, records: LivePlant.records(read, at: first.clock), at: first.clock)
        first.hear(90, at: 5)
        first.hear(51, at: 6)
        #expect(first.steps == [Step(.activated, .high, at: 5), Step(.returned, .normal, at: 6)])
    }

    @Test("Older samples than what was evaluated change nothing")
    func older() throws {
        var plant = try LivePlantFixture()
        plant.hear(20, at: 10)
        plant.hear(90, at: 5)
        #expect(plant.steps.isEmpty)
    }

    @Test("Retained messages raise nothing after a live one without a time, and freeze nothing")
    func retained() throws {
        var plant = try LivePlantFixture(onDelay: 1000)
        plant.hear(90)
        plant.receive(#"{"v":20}"#, retained: true)
        plant.receive(#"{"v":20,"ts":\#(LivePlantFixture.start - 5)}"#, retained: true)
        plant.pass(1001)
        plant.prove()
        #expect(plant.steps == [Step(.activated, .high, at: 1000)])
    }
}
