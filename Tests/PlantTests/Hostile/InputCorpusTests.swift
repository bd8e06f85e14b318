import SparkplugB
import Testing

@testable import Plant

@Suite("Inputs that once were read wrongly")
struct InputCorpusTests {
    private static let topics = [
        "json/a", "cbor/a", "lines/a", "number/a", "text/a", "bool/a", "bytes/a", "samples/a", "spBv1.0/g/NBIRTH/e",
        "spBv1.0/g/DDATA/e/d",
    ]

    /// Sends all parts of a message.
    private func play(_ plant: inout IngestHarness, _ topic: String, _ payload: [UInt8]) -> MessageOutcome {
        let topic = Array(topic.utf8)
        let outcome = plant.send(topic, payload)
        while plant.ingest.hasFurtherParts {
            _ = plant.ingest.furtherPart(
                topic.span, payload.span, retained: false, receivedAt: plant.now, into: &plant.samples)
        }
        return outcome
    }

    @Test("Each is read as what it is", arguments: InputCorpus.entries)
    func own(entry: InputCorpus.Entry) throws {
        var plant = try IngestHarness(InputCorpus.routes)
        let outcome = play(&plant, entry.topic, entry.bytes)
        let values = plant.values.filter { $0.value != nil }
        guard let expected = entry.values else {
            let isNothing = !values.contains { $0.key.hasSuffix("/v") || $0.key.hasSuffix("/a") }
            #expect(isNothing, "\(values), \(outcome.result)")
            return
        }
        let named = Dictionary(
            values.map { (String($0.key.split(separator: "/").last ?? ""), $0.value) }, uniquingKeysWith: { $1 })
        #expect(named == expected, "\(outcome.result)")
    }

    @Test(
        "Each, and each beginning of it, ends no decoder, and leaves what comes after as it is",
        arguments: InputCorpus.entries)
    func all(entry: InputCorpus.Entry) throws {
        for topic in Self.topics {
            var plant = try IngestHarness(InputCorpus.routes)
            for length in 0...entry.bytes.count {
                let bytes = Array(entry.bytes.prefix(length))
                _ = play(&plant, topic, bytes)
                #expect(
                    plant.samples.allSatisfy { $0.value != nil || $0.quality == .bad || $0.quality == .stale },
                    "\(topic): \(bytes)")
            }
            #expect(play(&plant, "json/z", Array(#"{"v":1}"#.utf8)).result == .samples(1), "after \(topic)")
            #expect(plant.values == ["json/z/v": 1])
        }
        #expect(HostStatePayload(entry.bytes.span) == nil)
        let conversion = ValueConversion(suffixes: ["°C"], hasDecimalComma: true, scale: 0.1)
        if let value = try? conversion(.text(String(decoding: entry.bytes, as: UTF8.self))) {
            #expect(value.doubleValue?.isFinite == true)
        }
    }
}
