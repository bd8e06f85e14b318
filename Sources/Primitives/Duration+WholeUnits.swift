/// Durations as whole numbers of a unit: rounded towards zero, and where they do not fit, the nearest number that does.
extension Duration {
    package var wholeMilliseconds: Int64 { whole(perSecond: 1_000) }

    package var wholeMicroseconds: Int64 { whole(perSecond: 1_000_000) }

    package var wholeNanoseconds: Int64 { whole(perSecond: 1_000_000_000) }

    private func whole(perSecond units: Int64) -> Int64 {
        let (seconds, attoseconds) = components
        let (whole, isTooLarge) = seconds.multipliedReportingOverflow(by: units)
        let (sum, isStillTooLarge) = whole.addingReportingOverflow(attoseconds / (1_000_000_000_000_000_000 / units))
        return isTooLarge || isStillTooLarge ? (seconds < 0 ? .min : .max) : sum
    }
}
