import SparkplugB
import Testing

@Suite("Payload: what is refused, why and where")
struct PayloadRuleTests {
    struct Mistake: CustomTestStringConvertible {
        let bytes: [UInt8]
        let reason: SparkplugError.Reason
        let offset: Int

        init(_ bytes: [UInt8], _ reason: SparkplugError.Reason, at offset: Int) {
            self.bytes = bytes
            self.reason = reason
            self.offset = offset
        }

        var testDescription: String { hexText(bytes) }
    }

    /// Of the message as a whole.
    static let frames: [Mistake] = [
        Mistake([0x08], .unexpectedEnd, at: 1), Mistake([0x08, 0x80], .unexpectedEnd, at: 2),
        Mistake([0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02], .varintOverflow, at: 1),
        Mistake([0x18, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], .varintOverflow, at: 1),
        Mistake([0x12, 0x02, 0x10], .lengthBeyondEnd, at: 1),
        Mistake([0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], .lengthBeyondEnd, at: 1),
        Mistake([0x12, 0x00, 0x12], .unexpectedEnd, at: 3),
        // Field number 0, wire types 6 and 7, a tag of more than 32 bits, one of more than five bytes.
        Mistake([0x02, 0x00], .invalidTag, at: 0), Mistake([0x16], .invalidTag, at: 1),
        Mistake([0x17], .invalidTag, at: 1), Mistake([0x80, 0x80, 0x80, 0x80, 0x10], .invalidTag, at: 0),
        Mistake([0x98, 0x80, 0x80, 0x80, 0x80, 0x00, 0x01], .invalidTag, at: 0),
        Mistake([0x13, 0x14], .group, at: 1), Mistake([0x14], .group, at: 1),
        Mistake([0x31, 0, 0, 0, 0, 0, 0, 0], .unexpectedEnd, at: 8), Mistake([0x35, 0, 0, 0], .unexpectedEnd, at: 4),
        Mistake([0x22, 0x01, 0xFF], .invalidUTF8, at: 2),
    ]

    @Test("a message whose frame is broken is refused before anything of it is read", arguments: frames)
    func frame(_ mistake: Mistake) {
        let sound: [UInt8] = [0x12, 0x02, 0x10, 0x07]
        for before in [[], sound] {
            #expect(throws: SparkplugError(mistake.reason, at: mistake.offset + before.count)) {
                _ = try SparkplugMetricReader((before + mistake.bytes).span)
            }
        }
    }

    /// Of a metric, as places in its content.
    static let metrics: [Mistake] = [
        Mistake([0x10], .unexpectedEnd, at: 1), Mistake([0x0A, 0x05, 0x61], .lengthBeyondEnd, at: 1),
        Mistake([0x0A, 0x02, 0xC3, 0x28], .invalidUTF8, at: 2), Mistake([0x7A, 0x01, 0x80], .invalidUTF8, at: 2),
        // A character that the next byte of the message would make whole.
        Mistake([0x0A, 0x01, 0xC3], .invalidUTF8, at: 2),
        Mistake([0x65, 0, 0, 0], .unexpectedEnd, at: 4), Mistake([0x69, 0, 0, 0, 0, 0, 0, 0], .unexpectedEnd, at: 8),
        Mistake([0x42, 0x00, 0x42, 0x00], .repeatedMessage, at: 3),
        Mistake([0x4A, 0x00, 0x4A, 0x00], .repeatedMessage, at: 3),
        Mistake([0x8A, 0x01, 0x00, 0x8A, 0x01, 0x00], .repeatedMessage, at: 5),
        Mistake([0x92, 0x01, 0x00, 0x92, 0x01, 0x00], .repeatedMessage, at: 5),
        Mistake([0x0B, 0x0C], .group, at: 1), Mistake([0x00], .invalidTag, at: 0),
    ]

    @Test("a mistake in a metric costs that metric", arguments: metrics)
    func metric(_ mistake: Mistake) throws {
        let sound: [UInt8] = [0x12, 0x02, 0x10, 0x07]
        let bytes = sound + [0x12, UInt8(mistake.bytes.count)] + mistake.bytes + [0x12, 0x02, 0x10, 0x08]
        var reader = try SparkplugMetricReader(bytes.span)
        #expect(reader.count == 3)
        #expect(try reader.next(bytes.span)?.alias == 7)
        #expect(throws: SparkplugError(mistake.reason, at: sound.count + 2 + mistake.offset)) {
            try reader.next(bytes.span)
        }
        #expect(try reader.next(bytes.span)?.alias == 8)
        #expect(try reader.next(bytes.span) == nil)
        #expect(try reader.next(bytes.span) == nil)
    }

    @Test("of a field that is given twice the last one counts, also of the fields of a value")
    func lastWins() throws {
        let bytes: [UInt8] = [
            0x08, 0x01, 0x18, 0x05, 0x12, 0x10, 0x10, 0x07, 0x8A, 0x01, 0x00, 0x50, 0x2A, 0x8A, 0x01, 0x00, 0x58,
            0x2B, 0x10, 0x09, 0x20, 0x04, 0x18, 0x06, 0x08, 0x02,
        ]
        var reader = try SparkplugMetricReader(bytes.span)
        #expect(reader.timestamp == 2 && reader.sequence == 6)
        let view = try #require(try reader.next(bytes.span))
        #expect(view.alias == 9)
        #expect(try view.scalar(as: view.type, in: bytes.span) == .integer(43))
    }

    @Test("unknown fields, and known ones of another kind, are skipped")
    func unknown() throws {
        let bytes: [UInt8] = [
            0x32, 0x01, 0x00, 0x3D, 1, 2, 3, 4, 0x41, 1, 2, 3, 4, 5, 6, 7, 8, 0x48, 0x80, 0x01, 0x0A, 0x00, 0x10, 0x05,
            0x12, 0x0A, 0x12, 0x01, 0x61, 0x55, 1, 2, 3, 4, 0x10, 0x03,
        ]
        var reader = try SparkplugMetricReader(bytes.span)
        #expect(reader.timestamp == nil && reader.count == 1)
        let view = try #require(try reader.next(bytes.span))
        #expect(view.alias == 3 && view.name == nil)
        #expect(throws: SparkplugError(.missingValue, at: 26)) { try view.scalar(as: .int32, in: bytes.span) }
    }

    @Test(
        "templates stand in one another eight deep, property sets as well, and no deeper", arguments: [1, 8, 9, 2000])
    func depth(_ depth: Int) {
        var template = SparkplugTemplate()
        for _ in 1..<depth {
            template = SparkplugTemplate(metrics: [SparkplugMetric(value: .template(template))])
        }
        var set = SparkplugPropertySet()
        for _ in 1..<depth {
            set = SparkplugPropertySet(
                keys: ["a"], values: [SparkplugPropertyValue(type: .propertySet, value: .propertySet(set))])
        }
        var withSet = SparkplugMetric(value: .int(1))
        withSet.properties = set
        for metric in [SparkplugMetric(value: .template(template)), withSet] {
            let result = decode(SparkplugPayload(metrics: [metric]).encoded)
            if depth <= 8 { #expect(result.value?.metrics == [metric]) } else { #expect(result.reason == .tooDeep) }
        }
    }

    @Test("parts that take two bytes each are bounded")
    func parts() {
        func message(_ count: Int) -> [UInt8] {
            var content: [UInt8] = []
            for _ in 0..<count { content += [0x22, 0x00] }
            let dataSet = SparkplugMetric(value: .bytes(content))
            // The bytes field is 16, a data set 17.
            var bytes = SparkplugPayload(metrics: [dataSet]).encoded
            if let place = bytes.firstIndex(of: 0x82) { bytes[place] = 0x8A }
            return bytes
        }
        #expect(decode(message(8000)).value != nil)
        #expect(decode(message(9000)).reason == .tooManyParts)
    }
}
