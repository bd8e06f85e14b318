public import JSON

/// How a device answers: where, and what in its JSON says which command it is about and how it went.
public struct CommandAnswerRule: Sendable, Hashable {
    /// Longest answer that is read; a longer one is ignored and counted.
    public static let sizeLimit = 64 * 1024

    public struct Condition: Sendable, Hashable {
        public var pointer: JSONPointer
        public var value: JSONValue

        public init(pointer: JSONPointer, value: JSONValue) {
            self.pointer = pointer
            self.value = value
        }

        func holds(in answer: JSONValue) -> Bool {
            guard let found = answer.value(at: pointer) else { return false }
            if found == value { return true }
            guard let left = found.doubleValue, let right = value.doubleValue else { return false }
            return left == right
        }
    }

    public var topic: DeviceTemplate
    /// Where the answer repeats the command's id.
    public var id: JSONPointer
    /// All of these must hold for the command to have succeeded.
    public var succeeded: [Condition]
    /// When given: all of these must hold for it to have failed, and an answer that is neither (accepted, executing) is waited
    /// past. When not: every answer that is no success is a failure.
    public var failed: [Condition]?
    /// Where the device says why.
    public var message: JSONPointer?

    public init(
        topic: DeviceTemplate, id: JSONPointer, succeeded: [Condition], failed: [Condition]? = nil,
        message: JSONPointer? = nil
    ) {
        self.topic = topic
        self.id = id
        self.succeeded = succeeded
        self.failed = failed
        self.message = message
    }

    /// The id that an answer is about: a string, or an integer as text.
    static func commandID(in answer: JSONValue, at pointer: JSONPointer) -> String? {
        switch answer.value(at: pointer) {
        case .string(let text)?: text
        case .integer(let integer)?: String(integer)
        case nil, .null?, .bool?, .number?, .array?, .object?: nil
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
