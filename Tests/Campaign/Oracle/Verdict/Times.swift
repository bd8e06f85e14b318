/// Times of one kind, for a figure.
package struct Times: Sendable {
    package private(set) var all: [Duration] = []

    package init() {}

    package mutating func add(_ time: Duration?) { if let time { all.append(time) } }

    package mutating func add(_ times: Times) { all += times.all }

    package var median: Duration? { all.isEmpty ? nil : all.sorted()[(all.count - 1) / 2] }
    package var worst: Duration? { all.max() }

    /// `median/worst` in milliseconds; `-` without any.
    package var text: String {
        guard let median, let worst else { return "-" }
        return "\(median.milliseconds)/\(worst.milliseconds)"
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    package var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
