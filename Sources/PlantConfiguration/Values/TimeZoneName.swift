/// A time zone by its name in the IANA database, such as `Europe/Berlin`.
///
/// Whether there is such a zone is judged by the files of the database on this machine, so that no second copy of it is
/// linked in.
package struct TimeZoneName: Sendable, Hashable, CustomStringConvertible {
    package enum Mistake: Error, Hashable, CustomStringConvertible {
        case notAName
        case unknown
        /// This machine has no database in which to look.
        case noDatabase
        /// Its file in the database is broken.
        case unreadable(String)

        package var description: String {
            switch self {
            case .notAName: "is not the name of a time zone"
            case .unknown: "is not in this machine's time zone database"
            case .noDatabase: "cannot be looked up: this machine has no time zone database (install tzdata)"
            case .unreadable(let why): "has a broken file in this machine's time zone database: \(why)"
            }
        }
    }

    package static let utc = TimeZoneName(identifier: "UTC")

    package let identifier: String

    /// Nothing is checked here.
    init(identifier: String) { self.identifier = identifier }

    package var description: String { identifier }

    /// Letters, digits and `_ + -`, in up to three levels: nothing that leads out of the database's folder.
    static func isName(_ text: String) -> Bool {
        let levels = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return levels.count <= 3 && text.utf8.count <= 64
            && levels.allSatisfy { level in
                !level.isEmpty
                    && level.allSatisfy { byte in
                        switch byte {
                        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "+"),
                            UInt8(ascii: "-"):
                            true
                        default: false
                        }
                    }
            }
    }
}
