import JSON
import Testing

@testable import Plant

@Suite("Deliveries in journal entries")
struct DeliveriesTests {
    /// `-`: nothing is owed.
    private static func text(_ delivery: Delivery?) -> String {
        switch delivery {
        case nil: "-"
        case .owed: "owed"
        case .delivered: "delivered"
        case .givenUp(let why): why.rawValue
        }
    }

    private static let older = [
        "nothing": "", "false": #""announced":false,"#, "true": #""announced":true,"#,
        "refused": #""announcement":"refused","#, "unannounced": #""announcement":"unannounced","#,
    ]

    private static let newer = [
        "nothing": "", "owed": #""deliveries":{"mqtt":{"state":"owed"}},"#,
        "delivered": #""deliveries":{"mqtt":{"state":"delivered"}},"#,
        "refused": #""deliveries":{"mqtt":{"state":"givenUp","reason":"refused"}},"#,
        "unannounced": #""deliveries":{"mqtt":{"state":"givenUp","reason":"unannounced"}},"#,
        "later": #""deliveries":{"mqtt":{"state":"queued"}},"#,
    ]

    /// What an entry means of which a gateway has changed one form alone. A row per older form, a column per newer one.
    private static let table = """
                     nothing      owed         delivered  refused      unannounced  later
        nothing      -            owed         delivered  refused      unannounced  -
        false        owed         owed         delivered  refused      unannounced  owed
        true         delivered    delivered    delivered  delivered    delivered    delivered
        refused      refused      refused      delivered  refused      unannounced  refused
        unannounced  unannounced  unannounced  delivered  refused      unannounced  unannounced
        """

    private static let cells: [(older: String, newer: String, meaning: String)] = {
        let rows = table.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        return rows.dropFirst().flatMap { row in
            zip(rows[0], row.dropFirst()).map { (row[0], $0, $1) }
        }
    }()

    @Test("Where the two forms disagree, what is settled in either is settled", arguments: cells)
    func disagreement(older: String, newer: String, meaning: String) throws {
        let forms = try #require(Self.older[older]) + (try #require(Self.newer[newer]))
        let entry = try JournalEntry(parsing: Array(#"{"kind":"alarm",\#(forms)"at":1,"gateway":"g"}"#.utf8))
        #expect(Self.text(entry.deliveries[.mqtt]) == meaning)

        // Both forms are written, and say the same.
        let json = try JSONValue(parsing: entry.serialized())
        let written = (json["announced"]?.boolValue, json["announcement"]?.stringValue)
        switch meaning {
        case "-": #expect(written == (nil, nil))
        case "owed": #expect(written == (false, nil))
        case "delivered": #expect(written == (true, nil))
        default: #expect(written == (nil, meaning))
        }
        let state = json["deliveries"]?["mqtt"]?["state"]?.stringValue
        switch meaning {
        case "-": #expect(state == (newer == "later" ? "queued" : nil))
        case "owed", "delivered": #expect(state == meaning)
        default:
            #expect(state == "givenUp")
            #expect(json["deliveries"]?["mqtt"]?["reason"]?.stringValue == meaning)
        }
        #expect(try JournalEntry(parsing: entry.serialized()) == entry)
    }

    @Test("The table has a cell for each pair of forms")
    func complete() { #expect(Self.cells.count == Self.older.count * Self.newer.count) }

    @Test("Channels, states and members of later versions stay as they stand when another channel is written")
    func kept() throws {
        let text =
            #"{"kind":"alarm","at":1,"gateway":"g","announced":false,"deliveries":{"mqtt":{"state":"owed","at":7},"#
            + #""webhook/shift":{"state":"owed","attempts":[1]},"mail":"later"},"x":1}"#
        var entry = try JournalEntry(parsing: Array(text.utf8))
        #expect(String(decoding: entry.serialized(), as: UTF8.self) == text)
        entry.deliveries[.mqtt] = .givenUp(.refused)
        entry.deliveries[.mqtt] = .delivered
        let expected = text.replacing(#""announced":false"#, with: #""announced":true"#)
            .replacing(#""state":"owed","at":7"#, with: #""state":"delivered","at":7"#)
        #expect(String(decoding: entry.serialized(), as: UTF8.self) == expected)
        #expect(entry.deliveries[Channel(rawValue: "mail")] == nil)
        #expect(entry.deliveries[Channel(rawValue: "webhook/shift")] == .owed)
    }

    @Test("A member of `deliveries` that is no delivery owes nothing and costs only itself")
    func broken() throws {
        for broken in ["1", "null", "[]", "{}", #"{"state":1}"#] {
            let text = #"{"kind":"alarm","deliveries":{"mqtt":\#(broken),"pager":{"state":"owed"}}}"#
            let entry = try JournalEntry(parsing: Array(text.utf8))
            #expect(entry.deliveries[.mqtt] == nil)
            #expect(entry.deliveries[Channel(rawValue: "pager")] == .owed)
        }
    }
}
