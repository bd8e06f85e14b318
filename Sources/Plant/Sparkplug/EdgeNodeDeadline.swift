/// A moment, without leaps, at which the session of an edge node may be due. What has become of it meanwhile the session says.
struct EdgeNodeDeadline: Comparable, Sendable {
    let time: Milliseconds
    let number: Int

    static func < (left: Self, right: Self) -> Bool { (left.time, left.number) < (right.time, right.number) }
}
