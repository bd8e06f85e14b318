/// A topic with a place for the device: `{device}/cmd/setSpeed`.
public struct DeviceTemplate: Sendable, Hashable, CustomStringConvertible {
    public enum Mistake: Error, Hashable, Sendable, CustomStringConvertible {
        case empty
        case unknownPlaceholder(String)
        case unclosedPlaceholder
        case deviceMissing
        case invalidTopic(String)

        public var description: String {
            switch self {
            case .empty: "the topic is empty"
            case .unknownPlaceholder(let name): "{\(name)} is not known; only {device} can stand in this topic"
            case .unclosedPlaceholder: "'{' without '}'"
            case .deviceMissing: "the topic has no {device}; without it every device would hear the command"
            case .invalidTopic(let why): "not a topic: \(why)"
            }
        }
    }

    /// The template as it was given.
    public let text: String
    /// What stands before, between and after the places of the device.
    private let parts: [String]

    /// - Parameter needsDevice: whether a template without `{device}` is a mistake; an answer may come on a shared topic, a
    ///   command must not go out on one.
    public init(_ text: String, needsDevice: Bool = true) throws(Mistake) {
        guard !text.isEmpty else { throw .empty }
        var parts: [String] = []
        var current = String.UnicodeScalarView()
        var placeholder: String.UnicodeScalarView?
        for scalar in text.unicodeScalars {
            if let name = placeholder {
                if scalar == "}" {
                    guard String(name) == "device" else { throw .unknownPlaceholder(String(name)) }
                    parts.append(String(current))
                    current = .init()
                    placeholder = nil
                } else {
                    placeholder?.append(scalar)
                }
            } else if scalar == "{" {
                placeholder = .init()
            } else {
                current.append(scalar)
            }
        }
        guard placeholder == nil else { throw .unclosedPlaceholder }
        parts.append(String(current))
        if needsDevice, parts.count == 1 { throw .deviceMissing }
        do { _ = try TagPath(parts.joined(separator: "d")) } catch { throw .invalidTopic("\(error)") }
        self.text = text
        self.parts = parts
    }

    public var description: String { text }

    /// The topic for one device.
    public func topic(device: TagPath) -> String { parts.joined(separator: device.text) }

    /// The narrowest filter that takes in the topic of every device that `devices` matches. A `#` among the devices swallows
    /// what follows, since `#` can only be last.
    public func filter(devices: TopicFilter) -> String {
        let filter = parts.joined(separator: devices.text)
        guard let hash = filter.firstIndex(of: "#") else { return filter }
        return String(filter[...hash])
    }
}
