package import JSON
package import OrderedCollections

/// Reads the members of a record, which is a JSON object, by name.
///
/// `Member` lists the members that the record knows; the others are ``additional``. A member that is missing and one that is
/// `null` say the same, nothing, except where ``subscript(_:)`` is asked. A member that is something else than it should be is
/// a ``RecordMistake`` that names it.
package struct RecordReader<Member: RawRepresentable<String> & CaseIterable> {
    private let members: OrderedDictionary<String, JSONValue>

    /// - Parameter sizeLimit: in bytes; longer data is not looked at.
    package init(parsing bytes: [UInt8], sizeLimit: Int = .max) throws(RecordMistake) {
        guard bytes.count <= sizeLimit else { throw RecordMistake(nil, "larger than \(sizeLimit) bytes") }
        let json: JSONValue
        do { json = try JSONValue(parsing: bytes) } catch { throw RecordMistake(nil, "\(error)") }
        try self.init(json)
    }

    /// The same, from a document that has been read already.
    package init(_ json: JSONValue) throws(RecordMistake) {
        guard case .object(let members) = json else { throw RecordMistake(nil, "not a JSON object") }
        self.members = members
    }

    /// Members that the record does not know, in their order.
    package var additional: OrderedDictionary<String, JSONValue> {
        var rest = members
        for member in Member.allCases { rest.removeValue(forKey: member.rawValue) }
        return rest
    }

    /// The member as it stands, whatever it is, `null` too; nil when it is missing.
    package subscript(_ member: Member) -> JSONValue? { members[member.rawValue] }

    /// The member, unless it is missing or `null`.
    private func value(_ member: Member) -> JSONValue? {
        guard let value = members[member.rawValue], !value.isNull else { return nil }
        return value
    }

    // MARK: What need not be there

    package func text(_ member: Member) throws(RecordMistake) -> String? {
        guard let value = value(member) else { return nil }
        guard let text = value.stringValue else { throw mistake(member, "is \(value), must be text") }
        return text
    }

    package func bool(_ member: Member) throws(RecordMistake) -> Bool? {
        guard let value = value(member) else { return nil }
        guard let bool = value.boolValue else { throw mistake(member, "is \(value), must be true or false") }
        return bool
    }

    package func integer(_ member: Member) throws(RecordMistake) -> Int64? {
        guard let value = value(member) else { return nil }
        guard let integer = value.intValue else { throw mistake(member, "is \(value), must be an integer") }
        return integer
    }

    /// A moment that a clock shows.
    package func time(_ member: Member) throws(RecordMistake) -> Milliseconds? {
        guard let value = value(member) else { return nil }
        guard let time = value.timeValue else {
            throw mistake(member, "is \(value), must be a time in milliseconds since 1970")
        }
        return time
    }

    /// How often something has happened.
    package func count(_ member: Member) throws(RecordMistake) -> Int64? {
        guard let value = value(member) else { return nil }
        guard let count = value.countValue else {
            throw mistake(member, "is \(value), must be an integer from 0 to 2^53")
        }
        return count
    }

    package func number(_ member: Member) throws(RecordMistake) -> Double? {
        guard let value = value(member) else { return nil }
        guard let number = value.doubleValue else { throw mistake(member, "is \(value), must be a number") }
        return number
    }

    package func object(_ member: Member) throws(RecordMistake) -> OrderedDictionary<String, JSONValue>? {
        guard let value = value(member) else { return nil }
        guard let object = value.objectValue else { throw mistake(member, "is \(value), must be an object") }
        return object
    }

    /// One of the names that a type has.
    package func name<Name: RawRepresentable<String> & CaseIterable>(
        _ member: Member, of type: Name.Type = Name.self
    ) throws(RecordMistake) -> Name? {
        guard let text = try text(member) else { return nil }
        guard let name = Name(rawValue: text) else {
            let known = Name.allCases.map(\.rawValue).joined(separator: ", ")
            throw mistake(member, "is \"\(text)\", must be one of \(known)")
        }
        return name
    }

    // MARK: What must be there

    private func required<Value>(_ member: Member, _ value: Value?) throws(RecordMistake) -> Value {
        guard let value else { throw mistake(member, "is missing") }
        return value
    }

    package func requiredText(_ member: Member) throws(RecordMistake) -> String { try required(member, text(member)) }

    package func requiredInteger(_ member: Member) throws(RecordMistake) -> Int64 {
        try required(member, integer(member))
    }

    package func requiredTime(_ member: Member) throws(RecordMistake) -> Milliseconds {
        try required(member, time(member))
    }

    package func requiredName<Name: RawRepresentable<String> & CaseIterable>(
        _ member: Member, of type: Name.Type = Name.self
    ) throws(RecordMistake) -> Name { try required(member, name(member, of: type)) }

    package func mistake(_ member: Member, _ text: String) -> RecordMistake { RecordMistake(member.rawValue, text) }
}
