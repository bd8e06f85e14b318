/// Something wrong in an alarm of the configuration: which key, and what was expected. The reader of the file adds
/// where it stands.
public struct AlarmMistake: Error, Hashable, Sendable, CustomStringConvertible {
    /// The key of the configuration that the mistake is in; `alarm` stands for the alarm as a whole.
    public enum Field: String, Hashable, Sendable {
        case alarm, name, high, highHigh, low, lowLow, deadband, onDelay, offDelay
    }

    /// What kind of mistake it is.
    public enum Reason: Hashable, Sendable {
        case emptyName
        case nameTooLong
        /// The name is a node of the tree and a level of a topic, written as it is.
        case nameNotALevel
        case duplicateName
        case noLimit
        case notFinite
        /// Limits must ascend: lowLow < low < high < highHigh.
        case notBelow(AlarmMistake.Field)
        case negative
        case tooLong
        /// No value would count as returned from both sides.
        case deadbandsOverlap
    }

    public let field: Field
    public let reason: Reason

    public init(_ field: Field, _ reason: Reason) {
        self.field = field
        self.reason = reason
    }

    public var description: String { "\(field.rawValue): \(reason)" }
}

extension AlarmMistake.Reason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .emptyName: "an alarm needs a name"
        case .nameTooLong: "a name has at most \(AlarmDefinition.nameLengthLimit) bytes"
        case .nameNotALevel: "a name cannot contain / + # % or control characters, begin with @, or be . or .."
        case .duplicateName: "another alarm has this name"
        case .noLimit: "expected at least one of high, highHigh, low, lowLow"
        case .notFinite: "expected a finite number"
        case .notBelow(let field): "must be less than \(field.rawValue)"
        case .negative: "expected zero or more"
        case .tooLong: "expected at most \(AlarmDefinition.delayLimit) ms (30 days)"
        case .deadbandsOverlap: "too large: no value between low and high would end either alarm"
        }
    }
}
