/// The devices that know a command: a filter such as `factory/+/+`, or a template that gives their levels names, such as
/// `tasmota/{name}`. The names can stand where the command goes and in what it says.
public struct CommandDevices: Sendable, Hashable, CustomStringConvertible {
    /// Why a text names no devices.
    public enum Mistake: Error, Hashable, Sendable, CustomStringConvertible {
        case filter(TopicFilter.Mistake)
        case template(TemplateMistake)

        public var description: String {
            switch self {
            case .filter(let mistake): "\(mistake)"
            case .template(let mistake): "\(mistake)"
            }
        }
    }

    /// As it was given.
    public let text: String
    /// Every device that is meant matches it; with `{name...}` and levels after it, others may as well.
    public let filter: TopicFilter
    /// nil: they have no names.
    package let template: TopicTemplate?

    public init(_ text: String) throws(Mistake) {
        self.text = text
        guard text.utf8.contains(UInt8(ascii: "{")) else {
            do throws(TopicFilter.Mistake) { filter = try TopicFilter(text) } catch { throw .filter(error) }
            template = nil
            return
        }
        do throws(TemplateMistake) {
            let template = try TopicTemplate(text)
            self.template = template
            filter = template.subscriptionFilter
        } catch {
            throw .template(error)
        }
    }

    public var description: String { text }

    /// Whether a device is one of them.
    public func matches(_ device: TagPath) -> Bool {
        guard filter.matches(device) else { return false }
        return template.map { $0.match(device.text) != nil } ?? true
    }

    /// The names that its levels have.
    package var names: [String] { template?.names ?? [] }

    /// The names that stand for several levels: one at most.
    package var severalLevels: Set<String> { template?.severalLevels ?? [] }

    /// The levels of one of the devices, by name.
    func levels(of device: TagPath) -> [String: String] { template?.match(device.text) ?? [:] }

    /// Whether there can be one such device only.
    var isOne: Bool { filter.isLiteral }

    /// Whether a device is known when its levels with names are.
    var isToldByNames: Bool {
        guard let template else { return isOne }
        return template.levels.allSatisfy { level in
            switch level {
            case .literal, .capture, .rest(.some): true
            case .any, .rest(nil): false
            }
        }
    }
}
