import CBOR
import Glibc
import JSON
import LineProtocol
import SparkplugB

/// What a value of a message costs, from its bytes to a double, by format and in turn in one run: the scanner of JSON, which
/// every JSON message passes, with ten values in a message and with one; the scanner of line protocol; the reader of CBOR, which
/// builds a tree of values; the reader of Sparkplug B alone, and the session of an edge node, which also finds each value's tag by
/// its alias.
///
/// Prints nanoseconds per value, the best and the median of the rounds. Ends with status 1 when the best is above what is
/// allowed: a machine that has other things to do makes none of the rounds quicker than it can be.
@main
struct Decoding {
    private static let rounds = 15
    private static let messages = 100_000

    private struct Figure {
        let name: String
        let bytes: Int
        let valuesPerMessage: Int
        /// Nanoseconds per value.
        let allowed: Double
        var times: [Double] = []
        /// Of all values that were read.
        var sum = 0.0

        init(_ name: String, _ payload: [UInt8], values: Int = Payloads.valueCount, allowed: Double) {
            self.name = name
            bytes = payload.count
            valuesPerMessage = values
            self.allowed = allowed
        }

        /// One round: `read` takes a message and returns the sum of its values.
        mutating func play(_ read: () -> Double) {
            var sum = 0.0
            let time = ContinuousClock().measure { for _ in 0..<messages { sum += read() } }
            times.append(time / .nanoseconds(messages * valuesPerMessage))
            self.sum += sum
        }
    }

    static func main() {
        var scanner = JSONScanner()
        let plan = JSONScanPlan(Payloads.pointers)
        let lonePlan = JSONScanPlan(Payloads.lonePointers)
        var points = LineProtocolScanner()
        var edge = SparkplugEdge()
        var figures = [
            Figure("JSON scanner", Payloads.json, allowed: 250),
            Figure("JSON, one value", Payloads.lone, values: 1, allowed: 250),
            Figure("line protocol", Payloads.lineProtocol, allowed: 200),
            Figure("CBOR tree", Payloads.cbor, allowed: 250),
            Figure("Sparkplug reader", Payloads.sparkplug[0], allowed: 150),
            Figure("Sparkplug session", Payloads.sparkplug[0], allowed: 150),
        ]
        for _ in 0..<rounds {
            figures[0].play { sum(Payloads.json, &scanner, plan) }
            figures[1].play { sum(Payloads.lone, &scanner, lonePlan) }
            figures[2].play { sum(Payloads.lineProtocol, &points) }
            figures[3].play { sumOfTree(Payloads.cbor) }
            figures[4].play { sumOfSparkplug(Payloads.sparkplug[0]) }
            figures[5].play { edge.sumOfNextMessage() }
        }
        let wholes = figures.filter { $0.valuesPerMessage > 1 }.map(\.sum)
        let lone = figures[1].sum / Double(rounds * messages)
        guard wholes.allSatisfy({ $0 == wholes[0] }), wholes[0] != 0, (lone - Payloads.loneNumber).magnitude < 1e-6
        else {
            fatalError("the formats disagree about the values: \(figures.map(\.sum))")
        }
        print("ns per value               best  median allowed   bytes per message")
        var isTooSlow = false
        for figure in figures {
            let sorted = figure.times.sorted()
            print(
                column(figure.name, 22), column(sorted[0]), column(sorted[rounds / 2]), column(figure.allowed),
                "  \(figure.bytes)")
            if sorted[0] > figure.allowed { isTooSlow = true }
        }
        if isTooSlow { exit(1) }
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
