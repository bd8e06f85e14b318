/// A way by which recorded transitions are delivered. Open: an entry keeps the channels of later versions.
///
/// The name stands in the journal, so it is never used again for something else. A channel with several receivers names
/// each of them, `webhook/shift`, because each is owed a delivery of its own.
public struct Channel: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The alarm's record, retained, and the event: both acknowledged by the broker.
    public static let mqtt = Channel(rawValue: "mqtt")

    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    public var description: String { rawValue }
}
