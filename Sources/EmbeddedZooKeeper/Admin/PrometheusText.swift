/// A page of metrics in Prometheus' text format.
struct PrometheusText {
    private(set) var bytes: [UInt8] = []

    /// Begins a family of samples.
    mutating func family(_ name: String, _ type: String, _ help: String) {
        bytes += "# HELP \(name) \(Self.escapedHelp(help))\n# TYPE \(name) \(type)\n".utf8
    }

    mutating func sample(_ name: String, _ labels: [(String, String)] = [], _ value: String) {
        bytes += name.utf8
        if !labels.isEmpty {
            bytes.append(UInt8(ascii: "{"))
            for (index, label) in labels.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes += "\(label.0)=\"\(Self.escaped(label.1))\"".utf8
            }
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: " "))
        bytes += value.utf8
        bytes.append(UInt8(ascii: "\n"))
    }

    mutating func single(_ name: String, _ type: String, _ help: String, _ value: String) {
        family(name, type, help)
        sample(name, value)
    }

    private mutating func sample(_ name: String, _ value: String) {
        sample(name, [], value)
    }

    /// - Parameter divisor: How many of the histogram's units are one of the metric's.
    mutating func histogram(_ name: String, _ help: String, _ histogram: Histogram, divisor: Double = 1) {
        family(name, "histogram", help)
        var total: UInt64 = 0
        for (bound, count) in zip(histogram.bounds, histogram.counts) {
            total &+= count
            sample(name + "_bucket", [("le", Self.number(Double(bound) / divisor))], String(total))
        }
        sample(name + "_bucket", [("le", "+Inf")], String(histogram.count))
        sample(name + "_sum", Self.number(Double(histogram.sum) / divisor))
        sample(name + "_count", String(histogram.count))
    }

    static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static func escapedHelp(_ text: String) -> String {
        escaped(text).split(separator: "\\\"", omittingEmptySubsequences: false).joined(separator: "\"")
    }
}
