import CBOR
import JSON

/// Bytes written in hexadecimal; blanks are for the reader.
func hex(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var high: UInt8?
    for byte in text.utf8 {
        guard let digit = JSONParser.hexDigit(byte) else { continue }
        if let first = high {
            bytes.append(first << 4 | digit)
            high = nil
        } else {
            high = digit
        }
    }
    return bytes
}

func hexText(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// The value of an item, or why it has none.
func decode(_ bytes: [UInt8]) -> Result<JSONValue, CBORError> {
    do throws(CBORError) {
        return .success(try CBORDecoder.decode(bytes.span))
    } catch {
        return .failure(error)
    }
}

func decode(_ text: String) -> Result<JSONValue, CBORError> { decode(hex(text)) }

extension Result where Failure == CBORError {
    var reason: CBORError.Reason? { if case .failure(let error) = self { error.reason } else { nil } }
    var value: Success? { if case .success(let value) = self { value } else { nil } }
}
