public import JSON

/// How a device answers: where, and what in its JSON says which command it is about and how it went.
public struct CommandAnswerRule: Sendable, Hashable {
    /// Longest answer that is read; a longer one is ignored and counted.
    public static let sizeLimit = 64 * 1024

    /// How an answer says which command it is about.
    public enum Identification: Sendable, Hashable {
        /// It repeats the command's id at that place.
        case place(JSONPointer)
        /// It has the command's correlation data, which is the id (MQTT 5).
        case correlation
    }

    public struct Condition: Sendable, Hashable {
        public enum Wanted: Sendable, Hashable {
            case value(JSONValue)
            /// Whether anything stands there, `null` included.
            case exists(Bool)
        }

        public var pointer: JSONPointer
        public var wanted: Wanted

        public init(pointer: JSONPointer, value: JSONValue) {
            self.pointer = pointer
            wanted = .value(value)
        }

        public init(pointer: JSONPointer, exists: Bool) {
            self.pointer = pointer
            wanted = .exists(exists)
        }

        func holds(in answer: JSONValue) -> Bool {
            let found = answer.value(at: pointer)
            switch wanted {
            case .exists(let exists): return (found != nil) == exists
            case .value(let value): return found.map { CommandParameter.areEqual($0, value) } ?? false
            }
        }
    }

    public var topic: DeviceTemplate
    public var id: Identification
    /// All of these must hold for the command to have succeeded.
    public var succeeded: [Condition]
    /// When given: all of these must hold for it to have failed, and an answer that is neither (accepted, executing) is waited
    /// past. When not: every answer that is no success is a failure.
    public var failed: [Condition]?
    /// Where the device says why.
    public var message: JSONPointer?

    public init(
        topic: DeviceTemplate, id: Identification, succeeded: [Condition], failed: [Condition]? = nil,
        message: JSONPointer? = nil
    ) {
        self.topic = topic
        self.id = id
        self.succeeded = succeeded
        self.failed = failed
        self.message = message
    }

    /// The id that an answer is about: at a place a string, or an integer as text.
    static func commandID(in answer: JSONValue, correlation: [UInt8]?, by id: Identification) -> String? {
        switch id {
        case .correlation: return correlation.flatMap { String(validating: $0, as: UTF8.self) }
        case .place(let pointer):
            switch answer.value(at: pointer) {
            case .string(let text)?: return text
            case .integer(let integer)?: return String(integer)
            case nil, .null?, .bool?, .number?, .array?, .object?: return nil
            }
        }
    }

    /// Whether every place that the rule looks at could be read.
    func isReadable(in answer: SalvagedJSON) -> Bool {
        (succeeded + (failed ?? [])).allSatisfy {
            if case .broken = answer.lookUp($0.pointer) { false } else { true }
        }
    }

    enum Verdict: Hashable {
        case succeeded(message: String?)
        case failed(message: String?)
        /// Neither: more is to come.
        case underway
    }

    func verdict(on answer: JSONValue) -> Verdict {
        let text = message.flatMap { answer.value(at: $0) }.map { $0.stringValue ?? $0.description }
        if succeeded.allSatisfy({ $0.holds(in: answer) }) { return .succeeded(message: text) }
        guard let failed else { return .failed(message: text) }
        return failed.allSatisfy { $0.holds(in: answer) } ? .failed(message: text) : .underway
    }
}
