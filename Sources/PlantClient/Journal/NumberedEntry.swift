package import JSON
import OrderedCollections
package import Plant

/// An entry of the journal with its place in the order of recording.
package struct NumberedEntry: Sendable {
    package let number: Int64
    package let entry: JournalEntry

    package var json: JSONValue {
        var members = entry.json.objectValue ?? [:]
        members["sequence"] = .integer(number)
        return .object(members)
    }
}
