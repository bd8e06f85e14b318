package import Plant

/// The time zones that routes can name.
package protocol TimeZones: Sendable {
    /// When the clocks of a zone are changed.
    func rules(ofZone name: String) throws(TimeZoneName.Mistake) -> ZoneRules
}

/// For readings without a time zone database: UTC is known, and nothing else.
package struct NoTimeZones: TimeZones {
    package init() {}

    package func rules(ofZone name: String) throws(TimeZoneName.Mistake) -> ZoneRules {
        guard name == TimeZoneName.utc.identifier else { throw .noDatabase }
        return .utc
    }
}
