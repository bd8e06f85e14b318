package import JSON
import OrderedCollections
package import Plant

extension PlantStatus {
    /// What each gateway that lives says of what no route takes; nil: an older gateway, or one that has not reported yet.
    package var unrouted: [(gateway: String, report: UnroutedReport?)] {
        gateways.filter { $0.member != nil }.map { ($0.name, $0.report?.record.unrouted) }
    }

    /// The same for programs: of each gateway one object with what it observes, and one per beginning of topics.
    package var unroutedJSON: [JSONValue] {
        unrouted.flatMap { gateway, report -> [JSONValue] in
            var objects: [JSONValue] = [
                [
                    "kind": "observed", "gateway": .string(gateway),
                    "filters": report.map { .array($0.observed.map(JSONValue.string)) } ?? .null,
                ]
            ]
            guard let report else { return objects }
            func add(_ topics: JSONValue, _ messages: UInt64) {
                objects.append([
                    "kind": "unrouted", "gateway": .string(gateway), "topics": topics,
                    "messages": .integer(Int64(clamping: messages)),
                ])
            }
            for row in report.rows { add(.string(row.topics), row.messages) }
            if report.further > 0 { add(.null, report.further) }
            return objects
        }
    }
}
