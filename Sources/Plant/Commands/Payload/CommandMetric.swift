import SparkplugB

/// A metric of Sparkplug B that a command writes: the payload of an NCMD or DCMD. Of which type the value goes out, the birth of
/// the edge node or device says, when the command is sent.
public struct CommandMetric: Sendable, Hashable {
    /// As the birth has it. A placeholder is a level of its own, and none is `{device}`.
    public var name: DeviceTemplate
    /// A parameter goes out as the device's word for it, where it has one.
    public var value: CommandVerification.Wanted

    public init(name: DeviceTemplate, value: CommandVerification.Wanted) {
        self.name = name
        self.value = value
    }

    /// The placeholders in it; every one must have a value.
    var placeholders: [String] {
        switch value {
        case .constant: name.placeholders
        case .parameter(let parameter): name.placeholders + [parameter]
        }
    }

    /// Why a metric of that name cannot be written; nil when it may be.
    static func mistake(in name: String) -> String? {
        if name.hasSameBytes(as: SparkplugCommand.rebirthMetric) {
            return "the gateway asks for births itself, when it needs one"
        }
        let bytes = Array(name.utf8)
        do throws(SparkplugTagName.Refusal) { _ = try SparkplugTagName.levels(of: bytes.span) } catch {
            return "\(error)"
        }
        return nil
    }
}
