/// A topic or a tag with placeholders: `{device}/cmd/setSpeed`, `cmnd/{name}/{output}`.
///
/// `{device}` may stand anywhere in it. Every other placeholder is a level of its own, so that what fills it cannot be more than that.
public struct DeviceTemplate: Sendable, Hashable, CustomStringConvertible {
    public enum Mistake: Error, Hashable, Sendable, CustomStringConvertible {
        case empty
        case unnamedPlaceholder
        case unclosedPlaceholder
        case partOfLevel(String)
        case invalidTopic(String)

        public var description: String {
            switch self {
            case .empty: "the topic is empty"
            case .unnamedPlaceholder: "{} has no name"
            case .unclosedPlaceholder: "'{' without '}', or '}' without '{'"
            case .partOfLevel(let name): "{\(name)} shares its level; only {device} can stand beside something else"
            case .invalidTopic(let why): "not a topic: \(why)"
            }
        }
    }

    enum Part: Sendable, Hashable {
        case literal(String)
        case device
        /// A level of its own.
        case placeholder(String)
    }

    /// The template as it was given.
    public let text: String
    let parts: [Part]

    public init(_ text: String) throws(Mistake) {
        guard !text.isEmpty else { throw .empty }
        var parts: [Part] = []
        var current = String.UnicodeScalarView()
        var isInside = false
        for scalar in text.unicodeScalars {
            switch (scalar, isInside) {
            case ("{", false):
                if !current.isEmpty { parts.append(.literal(String(current))) }
                current = .init()
                isInside = true
            case ("}", true):
                guard !current.isEmpty else { throw .unnamedPlaceholder }
                let name = String(current)
                parts.append(name == "device" ? .device : .placeholder(name))
                current = .init()
                isInside = false
            case ("{", true), ("}", false): throw .unclosedPlaceholder
            default: current.append(scalar)
            }
        }
        guard !isInside else { throw .unclosedPlaceholder }
        if !current.isEmpty { parts.append(.literal(String(current))) }
        try Self.checkLevels(parts)
        let example = Self.joined(parts, device: "d") { _ in "d" } ?? ""
        do { _ = try TagPath(example) } catch { throw .invalidTopic("\(error)") }
        self.text = text
        self.parts = parts
    }

    private static func checkLevels(_ parts: [Part]) throws(Mistake) {
        for (index, part) in parts.enumerated() {
            guard case .placeholder(let name) = part else { continue }
            guard isBoundary(index > 0 ? parts[index - 1] : nil, \.last),
                isBoundary(index + 1 < parts.count ? parts[index + 1] : nil, \.first)
            else { throw .partOfLevel(name) }
        }
    }

    /// Whether a level ends at that side of a neighbour; nil stands for the end of the topic.
    private static func isBoundary(_ part: Part?, _ side: KeyPath<String.UTF8View, UInt8?>) -> Bool {
        switch part {
        case nil: true
        case .literal(let text): text.utf8[keyPath: side] == UInt8(ascii: "/")
        case .device, .placeholder: false
        }
    }

    public var description: String { text }

    /// Whether the device stands in it as a whole.
    var hasDevice: Bool { parts.contains(.device) }

    /// The placeholders beside `{device}`, in order.
    package var placeholders: [String] {
        parts.compactMap { if case .placeholder(let name) = $0 { name } else { nil } }
    }

    /// The topic for one device; nil when a placeholder has no value.
    package func filled(device: TagPath, _ value: (String) -> String?) -> String? {
        Self.joined(parts, device: device.text, value)
    }

    /// The narrowest filter that takes in the topic of every device that `devices` match, whatever parameters stand in it. A `#`
    /// among the devices swallows what follows, since `#` can only be last.
    public func filter(devices: CommandDevices) -> String {
        let filter = Self.joined(parts, device: devices.filter.text) { devices.severalLevels.contains($0) ? "#" : "+" }
        guard let filter, let hash = filter.firstIndex(of: "#") else { return filter ?? text }
        return String(filter[...hash])
    }

    private static func joined(_ parts: [Part], device: String, _ value: (String) -> String?) -> String? {
        var result = ""
        for part in parts {
            switch part {
            case .literal(let text): result += text
            case .device: result += device
            case .placeholder(let name):
                guard let value = value(name) else { return nil }
                result += value
            }
        }
        return result
    }
}
