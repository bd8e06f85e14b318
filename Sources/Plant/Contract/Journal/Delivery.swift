/// How far the delivery of a recorded transition by one channel has come.
///
/// - *owed*: it has not been delivered, as far as anybody knows. To `delivered` or `givenUp`.
/// - *delivered*: the channel has it, and nobody sends it again.
/// - *givenUp*: nobody tries it any more.
///
/// Of two accounts of one delivery the later one in this order is true: what is delivered is never owed again.
public enum Delivery: Sendable, Hashable {
    case owed
    case givenUp(Reason)
    case delivered

    /// Why a delivery was given up: a word for programs. Open: a later version may have reasons of its own.
    public struct Reason: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        /// The broker, or the receiver, refused it for as long as it was worth trying.
        public static let refused = Reason(rawValue: "refused")
        /// It did not come as far as that: there was no connection, or too much before it.
        public static let unannounced = Reason(rawValue: "unannounced")

        public let rawValue: String

        public init(rawValue: String) { self.rawValue = rawValue }

        public var description: String { rawValue }
    }

    /// Whether nothing is to be done for it any more.
    public var isSettled: Bool { self != .owed }

    /// Whether this account is true beside another one, and not only as good.
    func outdoes(_ other: Delivery) -> Bool { rank > other.rank }

    private var rank: Int {
        switch self {
        case .owed: 0
        case .givenUp: 1
        case .delivered: 2
        }
    }
}
