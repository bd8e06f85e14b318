/// Why bytes are not a payload, or not a metric, that we accept, and where.
public struct SparkplugError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was wrong.
    public enum Reason: String, Hashable, Sendable {
        // The encoding.
        case unexpectedEnd = "it ends too early"
        case lengthBeyondEnd = "a length goes beyond the end"
        case varintOverflow = "a number has more than 64 bits"
        /// Field number 0, a number of more than 29 bits, or wire type 6 or 7.
        case invalidTag = "not a field"
        /// Groups are in no Sparkplug payload, whatever its version.
        case group = "a group"
        case invalidUTF8 = "invalid UTF-8"
        /// An embedded message twice where one may stand. Protocol buffers would merge them; no writer makes that.
        case repeatedMessage = "a message field given twice"
        case tooDeep = "nested too deep"
        case tooManyParts = "too many parts"
        // The metric.
        case unnamed = "neither a name nor an alias"
        case missingValue = "no value"
        /// The value is in a field of another kind than the type asks for.
        case wrongField = "the value does not fit the type"
        case valueOutOfRange = "the value is out of the range of its type"
        case notFinite = "not a finite number"
        case invalidUUID = "not a UUID"
        case arrayLength = "the length of an array does not fit its type"
        case unterminatedText = "text in an array without a NUL at its end"
        case textTooLong = "the value is too long"
        /// A metric cannot be of this type, or the value is an extension.
        case unsupportedType = "a type that a metric cannot have"
        case columnCount = "rows, columns and types of a data set do not fit"
        case invalidQuality = "the property Quality is not an integer"
        // Its tags.
        case unusableName = "the name cannot be the name of a tag"
        case duplicateName = "two values have the same name"
        case tooManyTags = "too many tags of one metric"
    }

    public let reason: Reason
    /// Index of the first byte of what is wrong: of a missing byte, where it should be; of a value, where its metric begins.
    public let offset: Int

    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    public var description: String { "\(reason.rawValue) at byte \(offset)" }
}
