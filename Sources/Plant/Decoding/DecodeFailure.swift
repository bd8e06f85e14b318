public import CBOR
public import JSON
public import LineProtocol
public import SparkplugB

/// Why a payload gave no value.
public enum DecodeFailure: Error, Hashable, Sendable, CustomStringConvertible {
    case json(JSONError)
    case cbor(CBORError)
    /// One line of line protocol; it costs itself alone.
    case line(LineProtocolError)
    /// A line of line protocol that gets no tags.
    case refused(MessageOutcome.Refusal)
    /// A message of Sparkplug B that is no payload.
    case sparkplug(SparkplugError)
    /// A metric, or a device, of Sparkplug B that gets no tag.
    case metric(name: String, EdgeNodeRefusal)
    /// A metric whose tag is another device's already.
    case otherDevice(metric: String)
    /// Data without the birth that says what it means.
    case birthNeeded(RebirthReason)
    /// A part of a document in another format than JSON.
    case part(JSONError)
    /// Nothing stands where the route looks.
    case missing
    /// JSON `null`: the sender says that it has no value.
    case null
    /// An array or object where a value should be.
    case notScalar
    case notNumber
    /// Text that is no number in quotes, on a tag that has numbers.
    case textForNumber
    /// True or false on a tag that has numbers.
    case boolForNumber
    case notBool
    case invalidUTF8
    /// NaN, an infinity, or a number beyond them.
    case notFinite
    case textTooLong(bytes: Int)
    case payloadTooLong(bytes: Int)
    /// A word that the value's map does not have.
    case unknownWord(String)
    /// More values on one topic than are learnt.
    case tooManyValues(Int)
    /// The sender's own word for values that cannot be used.
    case calledBad
    case invalidTime
    /// No array or object stands where the samples of a message should be.
    case noElements
    /// The array or object breaks off, or has something in it that is no element.
    case brokenElements
    case tooManyElements(limit: Int)
    /// A presence message that says neither word.
    case unknownPresence

    public var description: String {
        switch self {
        case .json(let error): "not JSON: \(error)"
        case .cbor(let error): "not CBOR: \(error)"
        case .refused(let refusal): "\(refusal)"
        case .line(let error): "not a line of line protocol: \(error)"
        case .part(let error): "\(error)"
        case .sparkplug(let error): "not a payload of Sparkplug B: \(error)"
        case .metric(let name, let refusal): "“\(name.prefix(80))” is not taken: \(refusal)"
        case .otherDevice(let metric): "the metric “\(metric.prefix(80))” would have the tag of another device"
        case .birthNeeded(let reason): "a birth is needed: \(reason.rawValue)"
        case .missing: "no value where the route looks for it"
        case .null: "the value is null"
        case .notScalar: "the value is an array or object"
        case .notNumber: "not a number"
        case .textForNumber: "text, where the tag has numbers (by its scale, its deadband, its range or an alarm)"
        case .boolForNumber:
            "true or false, where the tag has numbers (by its scale, its deadband, its range or an alarm)"
        case .notBool: "not a boolean"
        case .invalidUTF8: "not UTF-8"
        case .notFinite: "not a finite number"
        case .textTooLong(let bytes): "text of \(bytes) bytes is too long"
        case .payloadTooLong(let bytes): "payload of \(bytes) bytes is too long"
        case .unknownWord(let word): "“\(word.prefix(40))” is none of the words in its map"
        case .tooManyValues(let count):
            "the topic has more values than are taken; the first \(count) have tags, and the others are left out"
        case .calledBad: "the sender calls it bad"
        case .noElements: "no array or object where the route looks for the samples (each)"
        case .brokenElements: "the samples (each) break off; those before that were taken"
        case .tooManyElements(let limit): "more than \(limit) samples in one message; none is taken"
        case .invalidTime: "the time is neither a number nor ISO 8601"
        case .unknownPresence: "neither the online nor the offline payload"
        }
    }

    /// The byte of the payload, from 0, at which it cannot be read, where its bytes are what is wrong.
    package var byte: Int? {
        switch self {
        case .json(let error), .part(let error): error.offset
        case .cbor(let error): error.offset
        case .line(let error): error.offset
        default: nil
        }
    }

    /// The same where what was read begins at that byte of its payload.
    func advanced(by start: Int) -> DecodeFailure {
        switch self {
        case .json(let error): .json(JSONError(error.reason, at: error.offset &+ start))
        case .part(let error): .part(JSONError(error.reason, at: error.offset &+ start))
        case .cbor(let error): .cbor(CBORError(error.reason, at: error.offset &+ start))
        case .line(let error): .line(LineProtocolError(error.reason, at: error.offset &+ start))
        default: self
        }
    }

    /// Whether it is an ordinary thing, of which the log says nothing: the tag's quality shows it, or what follows mends it.
    var isOrdinary: Bool {
        switch self {
        case .calledBad, .birthNeeded: true
        default: false
        }
    }

    /// Why a part of a document, or all of it, could not be read.
    init(_ error: JSONError) {
        self = error.reason == .notFinite ? .notFinite : .json(error)
    }
}
