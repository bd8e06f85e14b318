/// The topic of a host's STATE. The id is where it lies in the topic.
public struct HostTopic: Hashable, Sendable {
    public enum Form: Hashable, Sendable {
        /// `spBv1.0/STATE/{hostId}` with a JSON payload.
        case current
        /// `STATE/{hostId}` with the text `ONLINE` or `OFFLINE`, from before version 3.0.
        case old
    }

    static let level = "STATE"

    public let id: Range<Int>
    public let form: Form

    public init(id: Range<Int>, form: Form) {
        self.id = id
        self.form = form
    }

    /// The topic of a host; nil when `host` is no id.
    public static func text(host: String, form: Form = .current) -> String? {
        guard SparkplugTopic.isID(host) else { return nil }
        return form == .old ? "\(level)/\(host)" : "\(SparkplugTopic.namespace)/\(level)/\(host)"
    }
}
