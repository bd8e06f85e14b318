import Primitives
import SparkplugB
import TestFixtures
import Testing

@Suite("Topics")
struct TopicTests {
    private func parse(_ bytes: [UInt8]) -> Result<SparkplugTopic, SparkplugTopic.Refusal> {
        do throws(SparkplugTopic.Refusal) {
            return .success(try SparkplugTopic(bytes.span))
        } catch {
            return .failure(error)
        }
    }

    private func parse(_ text: String) -> Result<SparkplugTopic, SparkplugTopic.Refusal> { parse(Array(text.utf8)) }

    private func id(_ range: Range<Int>?, _ topic: String) -> String? {
        range.map { String(decoding: Array(topic.utf8)[$0], as: UTF8.self) }
    }

    // Assertions: topic-structure, topic-structure-namespace-a,
    // topic-structure-namespace-device-id-associated-message-types,
    // topic-structure-namespace-device-id-non-associated-message-types, topics-nbirth-topic, topics-dbirth-topic,
    // topics-ndata-topic, topics-ddata-topic, topics-ndeath-topic, topics-ddeath-topic, topics-ncmd-topic,
    // topics-dcmd-topic
    @Test(
        "each type, with and without a device",
        arguments: SparkplugMessageType.allCases)
    func types(_ type: SparkplugMessageType) throws {
        let node = "spBv1.0/Plant é/\(type)/edge 1"
        for (topic, device) in [(node, nil), ("\(node)/press.7", "press.7" as String?)] {
            guard (device != nil) == type.hasDevice else {
                #expect(parse(topic) == .failure(type.hasDevice ? .missingDevice : .unexpectedDevice))
                #expect(EdgeTopic.text(type, group: "Plant é", edge: "edge 1", device: device) == nil)
                continue
            }
            guard case .success(.edge(let parsed)) = parse(topic) else {
                Issue.record("\(topic) is no topic of an edge node")
                continue
            }
            #expect(parsed.type == type)
            #expect(id(parsed.group, topic) == "Plant é" && id(parsed.edge, topic) == "edge 1")
            #expect(id(parsed.device, topic) == device)
            #expect(EdgeTopic.text(type, group: "Plant é", edge: "edge 1", device: device) == topic)
        }
    }

    // Assertions: host-topic-phid-birth-topic, host-topic-phid-death-topic,
    // operational-behavior-host-application-connect-will-topic,
    // operational-behavior-host-application-connect-birth-topic, operational-behavior-host-application-death-topic
    @Test("STATE in both forms")
    func state() {
        #expect(parse("spBv1.0/STATE/host 1") == .success(.host(HostTopic(id: 14..<20, form: .current))))
        #expect(parse("STATE/host 1") == .success(.host(HostTopic(id: 6..<12, form: .old))))
        #expect(HostTopic.text(host: "host 1") == "spBv1.0/STATE/host 1")
        #expect(HostTopic.text(host: "host 1", form: .old) == "STATE/host 1")
        // A group of that name is a group like any other.
        guard case .success(.edge(let topic)) = parse("spBv1.0/STATE/NDATA/e") else {
            Issue.record("the group STATE is refused")
            return
        }
        #expect(topic.type == .nodeData && topic.group == 8..<13)
        // A host may have the name of a message type.
        #expect(parse("spBv1.0/STATE/NDATA") == .success(.host(HostTopic(id: 14..<19, form: .current))))
    }

    // Assertions: topic-structure-namespace-valid-group-id, topic-structure-namespace-valid-edge-node-id,
    // topic-structure-namespace-valid-device-id
    @Test(
        "what is refused, and why",
        arguments: [
            ("", .foreign), ("spBv1.1/g/NDATA/e", .foreign), ("spAv1.0/g/NDATA/e", .foreign),
            ("spBv1.0", .missingLevel), ("spBv1.0/", .emptyID), ("spBv1.0/g", .missingLevel),
            ("spBv1.0/g/NDATA", .missingLevel), ("spBv1.0/g/NDATA/", .emptyID), ("spBv1.0//NDATA/e", .emptyID),
            ("spBv1.0/g/DDATA/e/", .emptyID), ("spBv1.0/g/DDATA/e/d/", .tooManyLevels),
            ("spBv1.0/g/DDATA/e/d/x", .tooManyLevels), ("spBv1.0/g/NDATA/e/", .unexpectedDevice),
            ("spBv1.0/g/ndata/e", .unknownType), ("spBv1.0/g/NDATAX/e", .unknownType),
            ("spBv1.0/g/NDAT/e", .unknownType), ("spBv1.0/g/STATE/e", .unknownType), ("spBv1.0/g//e", .unknownType),
            ("spBv1.0/g+/NDATA/e", .forbiddenCharacter), ("spBv1.0/g/NDATA/e#", .forbiddenCharacter),
            ("spBv1.0/g/DDATA/e/\0", .forbiddenCharacter), ("spBv1.0/g/DDATA/e/d+", .forbiddenCharacter),
            ("STATE", .missingLevel), ("STATE/", .emptyID),
            ("STATE/a/b", .tooManyLevels), ("STATE/a+", .forbiddenCharacter), ("spBv1.0/STATE", .missingLevel),
            ("spBv1.0/STATE/", .emptyID), ("spBv1.0/STATE/#", .forbiddenCharacter),
        ] as [(String, SparkplugTopic.Refusal)])
    func refusals(_ topic: String, _ refusal: SparkplugTopic.Refusal) {
        #expect(parse(topic) == .failure(refusal))
    }

    @Test("ids that are no UTF-8")
    func encoding() {
        #expect(parse(Array("spBv1.0/".utf8) + [0xFF] + Array("/NDATA/e".utf8)) == .failure(.invalidUTF8))
        #expect(parse(Array("spBv1.0/g/NDATA/".utf8) + [0xC3]) == .failure(.invalidUTF8))
        #expect(parse(Array("spBv1.0/g/DDATA/e/".utf8) + [0xED, 0xA0, 0x80]) == .failure(.invalidUTF8))
    }

    @Test("what is built is read back, and nothing else is built")
    func building() {
        for id in ["", "a/b", "+", "a#", "\0"] {
            #expect(!SparkplugTopic.isID(id))
            #expect(EdgeTopic.text(.nodeData, group: id, edge: "e") == nil)
            #expect(EdgeTopic.text(.nodeData, group: "g", edge: id) == nil)
            #expect(EdgeTopic.text(.deviceData, group: "g", edge: "e", device: id) == nil)
            #expect(HostTopic.text(host: id) == nil)
        }
    }

    @Test("mutated topics: never a crash, and what is read has ids that can be built again")
    func mutation() {
        let seeds = ["spBv1.0/group/DDATA/edge/device", "spBv1.0/g/NBIRTH/e", "spBv1.0/STATE/host", "STATE/h"]
        let mutator = Mutator(seeds: seeds.map { Array($0.utf8) })
        var random = SeededRandom(seed: 41)
        var accepted = 0
        var run = LongRun(usual: 50_000)
        for round in 0..<run.inputs {
            run.willPlay(round)
            let bytes = mutator.mutant(&random)
            guard case .success(let topic) = parse(bytes) else { continue }
            accepted += 1
            let text = String(decoding: bytes, as: UTF8.self)
            switch topic {
            case .edge(let topic):
                let built = EdgeTopic.text(
                    topic.type, group: id(topic.group, text) ?? "", edge: id(topic.edge, text) ?? "",
                    device: id(topic.device, text))
                guard built.map({ Array($0.utf8) }) == bytes else {
                    Issue.record("round \(round): \(text.debugDescription)")
                    return
                }
            case .host(let topic):
                let built = HostTopic.text(host: id(topic.id, text) ?? "", form: topic.form)
                guard built.map({ Array($0.utf8) }) == bytes else {
                    Issue.record("round \(round): \(text.debugDescription)")
                    return
                }
            }
        }
        #expect(accepted > run.inputs / 50, "\(accepted)")
        #expect(!run.hasGrown)
    }
}
