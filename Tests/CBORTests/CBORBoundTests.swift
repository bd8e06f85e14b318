import CBOR
import JSON
import OrderedCollections
import Testing

/// Inputs that would cost a careless reader more than their length. The times are generous: a quadratic reader needs
/// minutes.
@Suite("CBOR: time and memory are linear in the input", .serialized)
struct CBORBoundTests {
    private static let size = 1 << 20

    private func run(_ bytes: [UInt8], within limit: Duration = .seconds(20)) -> Result<JSONValue, CBORError> {
        let clock = ContinuousClock()
        var result = decode([])
        let time = clock.measure { result = decode(bytes) }
        #expect(time < limit, "\(bytes.count) bytes took \(time)")
        let salvaging = clock.measure { _ = try? SalvagedJSON(salvagingCBOR: bytes.span) }
        #expect(salvaging < limit, "salvaging \(bytes.count) bytes took \(salvaging)")
        return result
    }

    @Test("a map of many keys")
    func manyKeys() {
        var bytes: [UInt8] = [0xBF]
        for key in 0..<UInt32(200_000) {
            TestEncoder.head(0, UInt64(key), into: &bytes)
            bytes.append(0)
        }
        #expect(run(bytes + [0xFF]).value?.objectValue?.count == 200_000)
        #expect(run(bytes + [0x00, 0x00, 0xFF]).reason == .duplicateKey)
    }

    @Test("many items of indefinite length in one another and side by side")
    func indefinite() {
        let deep = [UInt8](repeating: 0x9F, count: 63) + [UInt8](repeating: 0xFF, count: 63)
        var bytes: [UInt8] = [0x9F]
        while bytes.count < Self.size { bytes += deep }
        #expect(run(bytes + [0xFF]).value != nil)
        #expect(run(bytes).reason == .unexpectedEnd)
        #expect(run([UInt8](repeating: 0x9F, count: Self.size)).reason == .tooDeep)
        #expect(run([UInt8](repeating: 0xBF, count: Self.size)).reason == .unsupportedKey)
    }

    @Test("a string of many chunks, also empty ones", arguments: [UInt8(0x60), 0x40])
    func chunks(_ empty: UInt8) {
        let chunks = [UInt8](repeating: empty, count: Self.size)
        #expect(run([empty | 0x1F] + chunks + [0xFF]) == .success(""))
        var bytes: [UInt8] = [empty | 0x1F]
        for _ in 0..<Self.size / 2 { bytes += [empty | 1, 0x61] }
        #expect(run(bytes + [0xFF]).value?.stringValue != nil)
    }

    @Test("many containers that announce what does not follow")
    func announced() {
        // Each of 60 levels announces as much as it may.
        var bytes: [UInt8] = []
        for level in 0..<60 { bytes += [0x9A, 0x00, 0x0F, UInt8(0xFF - level), 0x00] }
        bytes += [UInt8](repeating: 0x00, count: Self.size)
        #expect(run(bytes).reason == .unexpectedEnd)
        let wide = [UInt8]([0x9A, 0x00, 0x10, 0x00, 0x00]) + [UInt8](repeating: 0x80, count: Self.size)
        #expect(run(wide).value?.arrayValue?.count == Self.size)
    }

    @Test("unusable items in one another are moved past a fixed number of times")
    func unusable() {
        // Tag 2 around an array of the same, as deep as it goes, side by side.
        let deep: [UInt8] = Array(repeating: [0xC2, 0x81], count: 30).joined() + [0x00]
        var bytes: [UInt8] = [0x9F]
        while bytes.count < Self.size { bytes += deep }
        #expect(run(bytes + [0xFF]).reason == .invalidTagContent)
    }

    @Test("a key of many combining characters")
    func combining() {
        var text = "a"
        for position in 0..<50_000 { text.unicodeScalars.append(position % 2 == 0 ? "\u{301}" : "\u{323}") }
        var bytes: [UInt8] = [0xA2]
        for suffix in ["x", "y"] {
            TestEncoder.head(3, UInt64(text.utf8.count + 1), into: &bytes)
            bytes += Array((text + suffix).utf8) + [0x00]
        }
        #expect(run(bytes).value?.objectValue?.count == 2)
    }
}
