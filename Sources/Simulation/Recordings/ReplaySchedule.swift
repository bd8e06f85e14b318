package import Plant

/// When each row of a recording goes out, and the time that it then carries.
///
/// Pure: the shell hands in the clock and does the waiting.
package struct ReplaySchedule: Sendable {
    package enum Speed: Sendable, Equatable {
        /// 1 is the recording's own pace.
        case times(Double)
        /// As fast as the broker takes it.
        case unlimited

        /// `10`, `0.5`, `x10`, `10x` or `max`.
        package init?(_ text: String) {
            if text == "max" {
                self = .unlimited
                return
            }
            var digits = text[...]
            if digits.hasPrefix("x") || digits.hasPrefix("×") { digits = digits.dropFirst() }
            if digits.hasSuffix("x") { digits = digits.dropLast() }
            guard let factor = Double(digits), factor.isFinite, factor > 0 else { return nil }
            self = .times(factor)
        }
    }

    private let speed: Speed
    private let start: Milliseconds
    private let first: Milliseconds
    private var lastStamp: Milliseconds = .min

    /// - Parameters:
    ///   - start: the present.
    ///   - first: the time of the recording's first row.
    package init(speed: Speed, start: Milliseconds, first: Milliseconds) {
        self.speed = speed
        self.start = start
        self.first = first
    }

    /// When a row is due.
    package func due(_ recorded: Milliseconds) -> Milliseconds {
        switch speed {
        case .unlimited: start
        case .times(let factor):
            start &+ Milliseconds(clamping: (Double(recorded &- first) / factor).rounded())
        }
    }

    /// The source time that a row published at `now` carries: the recording shifted to the present and scaled by the
    /// speed, a millisecond at least after the row before, because two readings of one sensor cannot be of one moment.
    package mutating func stamp(_ recorded: Milliseconds, now: Milliseconds) -> Milliseconds {
        let wanted =
            switch speed {
            case .unlimited: now
            case .times: due(recorded)
            }
        lastStamp = lastStamp == .min ? wanted : max(wanted, lastStamp &+ 1)
        return lastStamp
    }
}

extension Milliseconds {
    /// The nearest whole number, the ends of the range for what lies beyond.
    fileprivate init(clamping number: Double) {
        self = Int64(exactly: number) ?? (number < 0 ? .min / 2 : .max / 2)
    }
}
