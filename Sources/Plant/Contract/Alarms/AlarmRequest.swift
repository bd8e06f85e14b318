import JSON
import OrderedCollections

/// The form in which earlier versions ask the active alarm processor: `/alarm-requests/<id>`, created once by the one who
/// asks, answered in place. To go with the next release; ``Request`` has taken its place.
package struct AlarmRequest: Sendable, Hashable {
    package var operation: AlarmOperation
    package var by: String
    /// Whether it has been answered.
    package var isAnswered: Bool

    /// nil for anything that is not a request.
    package init?(data: [UInt8]) {
        guard data.count <= Request.sizeLimit, let members = try? RecordReader<Member>(parsing: data) else {
            return nil
        }
        do throws(RecordMistake) {
            let action: AlarmOperation.Action
            switch try members.requiredText(.action) {
            case "ack": action = .acknowledge
            case "forget": action = .forget
            default: return nil
            }
            operation = try AlarmOperation(action, reading: members.additional)
            by = try members.requiredText(.by)
            _ = try members.requiredTime(.at)
            isAnswered = members[.result]?.stringValue != nil
        } catch {
            return nil
        }
    }

    private enum Member: String, CaseIterable { case action, by, at, result, reason, tags, alarms }

    /// The data of a request's node with its answer.
    package static func answering(_ data: [UInt8], with answer: RequestAnswer) -> [UInt8] {
        var members = (try? JSONValue(parsing: data))?.objectValue ?? [:]
        members[Member.result.rawValue] = .string(answer.result.rawValue)
        members[Member.reason.rawValue] = answer.reason.map(JSONValue.string)
        members[Member.tags.rawValue] = answer.removed.map { .integer(Int64($0.tags)) }
        members[Member.alarms.rawValue] = answer.removed.map { .integer(Int64($0.alarms)) }
        return JSONValue.object(members).serialized()
    }
}
