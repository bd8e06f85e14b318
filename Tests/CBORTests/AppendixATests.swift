import CBOR
import JSON
import Testing

@Suite("CBOR: the examples of RFC 8949, appendix A")
struct AppendixATests {
    @Test("each becomes what the table says", arguments: AppendixA.examples)
    func example(_ example: AppendixA.Example) {
        let result = decode(example.bytes)
        switch example.meaning {
        case .value(let value):
            #expect(result.value == value)
            // The two zeros are equal; their signs must be too.
            if case .number(let number) = value {
                #expect(result.value?.doubleValue?.sign == number.sign)
            }
        case .mistake(let reason):
            #expect(result.reason == reason)
        }
    }

    @Test("each, cut at every byte, is refused as cut", arguments: AppendixA.examples)
    func truncation(_ example: AppendixA.Example) {
        let bytes = example.bytes
        for length in 0..<bytes.count {
            let reason = decode(Array(bytes.prefix(length))).reason
            if length == 0 {
                #expect(reason == .empty)
            } else {
                #expect(reason == .unexpectedEnd || reason == .lengthBeyondEnd, "\(length) bytes")
            }
        }
    }

    @Test("each, with a byte behind it, is refused at that byte", arguments: AppendixA.examples)
    func trailingByte(_ example: AppendixA.Example) {
        guard case .value = example.meaning else { return }
        #expect(decode(example.bytes + [0]) == .failure(CBORError(.trailingBytes, at: example.bytes.count)))
    }

    @Test("the table has all 81 examples")
    func count() {
        #expect(AppendixA.examples.count == 81)
    }
}
