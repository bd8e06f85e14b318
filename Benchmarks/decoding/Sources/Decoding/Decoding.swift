import CBOR
import JSON
import LineProtocol
import SparkplugB

/// What a value of a message costs, from its bytes to a double, by format and in turn in one run: the scanner of JSON, which
/// every JSON message passes; the scanner of line protocol; the reader of CBOR, which builds a tree of values; the reader of
/// Sparkplug B alone, and the session of an edge node, which also finds each value's tag by its alias.
///
/// Prints nanoseconds per value, the best and the median of the rounds.
@main
struct Decoding {
    private static let rounds = 15
    private static let messages = 100_000

    static func main() {
        var scanner = JSONScanner()
        let plan = JSONScanPlan(Payloads.pointers)
        var points = LineProtocolScanner()
        var figures: [(name: String, bytes: Int, times: [Double])] = [
            ("JSON scanner", Payloads.json.count, []), ("line protocol", Payloads.lineProtocol.count, []),
            ("CBOR tree", Payloads.cbor.count, []), ("Sparkplug reader", Payloads.sparkplug[0].count, []),
            ("Sparkplug session", Payloads.sparkplug[0].count, []),
        ]
        var sums: [Double] = [0, 0, 0, 0, 0]
        var edge = SparkplugEdge()
        for _ in 0..<rounds {
            figures[0].times.append(measure { sums[0] += sum(Payloads.json, &scanner, plan) })
            figures[1].times.append(measure { sums[1] += sum(Payloads.lineProtocol, &points) })
            figures[2].times.append(measure { sums[2] += sumOfTree(Payloads.cbor) })
            figures[3].times.append(measure { sums[3] += sumOfSparkplug(Payloads.sparkplug[0]) })
            figures[4].times.append(measure { sums[4] += edge.sumOfNextMessage() })
        }
        guard sums.allSatisfy({ $0 == sums[0] }), sums[0] != 0 else {
            fatalError("the formats disagree about the values: \(sums)")
        }
        print("ns per value               best  median   bytes per message")
        for (name, bytes, times) in figures {
            let sorted = times.sorted()
            print(column(name, 22), column(sorted[0]), column(sorted[rounds / 2]), "  \(bytes)")
        }
    }

    private static func measure(_ read: () -> Void) -> Double {
        let time = ContinuousClock().measure { for _ in 0..<messages { read() } }
        return time / .nanoseconds(messages * Payloads.valueCount)
    }

    private static func column(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func column(_ figure: Double) -> String {
        let text = "\((figure * 10).rounded() / 10)"
        return String(repeating: " ", count: max(0, 8 - text.count)) + text
    }

    private static func sum(_ bytes: [UInt8], _ scanner: inout JSONScanner, _ plan: JSONScanPlan) -> Double {
        guard scanner.scan(bytes.span, plan: plan) else { return 0 }
        var sum = 0.0
        for found in scanner.found { sum += found.kind == .integer ? Double(found.integer) : found.number }
        return sum
    }

    private static func sum(_ bytes: [UInt8], _ scanner: inout LineProtocolScanner) -> Double {
        scanner.restart()
        var sum = 0.0
        while (try? scanner.next(bytes.span)) == true {
            for field in scanner.fields { if case .float(let number) = field.value { sum += number } }
        }
        return sum
    }

    private static func sumOfTree(_ bytes: [UInt8]) -> Double {
        guard case .object(let members)? = try? CBORDecoder.decode(bytes.span) else { return 0 }
        var sum = 0.0
        for value in members.values { if case .number(let number) = value { sum += number } }
        return sum
    }

    private static func sumOfSparkplug(_ bytes: [UInt8]) -> Double {
        guard var reader = try? SparkplugMetricReader(bytes.span) else { return 0 }
        var sum = 0.0
        while let view = try? reader.next(bytes.span) {
            if case .number(let number)? = try? view.scalar(as: .double, in: bytes.span) { sum += number }
        }
        return sum
    }
}
