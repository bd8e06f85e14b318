/// Puts the messages of an edge node into their order: sequence numbers run from 0 to 255 and begin again.
///
/// What is ahead waits for what is before it, in bounded number, size and time; then what is missing is given up. What comes
/// again, or after it was given up, is not taken.
struct SequenceWindow: Sendable {
    /// A message that waits.
    struct Held: Sendable {
        let sequence: UInt8
        let identity: UInt64
        let type: SparkplugMessageType
        let device: [UInt8]
        let payload: [UInt8]
        /// When it was sent, as it says.
        let timestamp: UInt64?
        let receivedAt: Int64

        var bytes: Int { device.count + payload.count }
    }

    enum Verdict: Hashable {
        case inOrder
        /// One before it is missing.
        case ahead
        /// It has been taken, or waits.
        case duplicate
        /// It has been given up.
        case late
    }

    /// The sequence number that comes next; nil while there is no birth to count from.
    private(set) var next: UInt8?
    /// In the order in which they will be taken; in that of their arrival while there is no birth.
    private(set) var held: [Held] = []
    private(set) var heldBytes = 0
    /// What was taken last with each number; 0 for nothing.
    private var taken = ContiguousArray<UInt64>(repeating: 0, count: 256)
    /// Numbers that were given up, among the 127 before `next`.
    private var isGivenUp = ContiguousArray<Bool>(repeating: false, count: 256)

    /// What tells a message from another one with the same number: the time at which it was sent, and its length.
    static func identity(_ reader: SparkplugMetricReader, _ payload: borrowing Span<UInt8>) -> UInt64 {
        let mixed = (reader.timestamp ?? 0) &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(payload.count)
        return mixed | 1
    }

    func verdict(_ sequence: UInt8, _ identity: UInt64) -> Verdict {
        if sequence == next { return .inOrder }
        if next != nil {
            if taken[Int(sequence)] == identity { return .duplicate }
            if isGivenUp[Int(sequence)] { return .late }
        }
        return held.contains { $0.sequence == sequence && ($0.identity == identity || next != nil) }
            ? .duplicate : .ahead
    }

    /// The message that is next has been taken.
    @inline(__always)
    mutating func take(_ sequence: UInt8, _ identity: UInt64) {
        taken[Int(sequence)] = identity
        isGivenUp[Int(sequence)] = false
        isGivenUp[Int(sequence &+ 128)] = false
        next = sequence &+ 1
    }

    mutating func hold(_ message: Held) {
        var place = held.endIndex
        if let next {
            place = held.firstIndex { $0.sequence &- next > message.sequence &- next } ?? place
        }
        held.insert(message, at: place)
        heldBytes += message.bytes
    }

    /// The next message, if it waits here; it is not taken yet.
    mutating func pop() -> Held? {
        guard let first = held.first, first.sequence == next else { return nil }
        heldBytes -= first.bytes
        return held.removeFirst()
    }

    /// When the first of those that wait came.
    var waitingSince: Int64? { held.lazy.map(\.receivedAt).min() }

    /// Bytes that those that wait take, roughly.
    var footprint: Int { heldBytes + held.count * 256 }

    /// Waits no longer for what is missing before the first message that waits.
    mutating func giveUp() {
        guard let first = held.first?.sequence, let missing = next else { return }
        markGivenUp(before: first, count: min(Int(first &- missing), 127))
        next = first
    }

    /// Removes and returns what waits.
    mutating func removeHeld() -> [Held] {
        defer {
            held = []
            heldBytes = 0
        }
        return held
    }

    /// Counts from a birth on, or without one.
    mutating func restart(at next: UInt8?) {
        self.next = next
        for index in taken.indices { taken[index] = 0 }
        for index in isGivenUp.indices { isGivenUp[index] = false }
    }

    /// Counts from a message on before which others were missed.
    mutating func resume(at next: UInt8) {
        restart(at: next)
        markGivenUp(before: next, count: 127)
    }

    private mutating func markGivenUp(before end: UInt8, count: Int) {
        let former = isGivenUp
        for index in isGivenUp.indices { isGivenUp[index] = false }
        for distance in 1...127 {
            let sequence = Int(end &- UInt8(truncatingIfNeeded: distance))
            isGivenUp[sequence] = distance <= count || former[sequence]
        }
    }
}
