public import ZooKeeperClient

/// A 64-bit number that several processes add to. No addition is lost or made twice; see ``SharedValue``.
///
/// The node's data is the number as decimal text.
public struct DistributedCounter: Sendable {
    /// The sum does not fit; the counter is unchanged.
    public struct Overflow: Error, Hashable, CustomStringConvertible {
        public let value: Int64
        public let summand: Int64

        public var description: String { "\(value) + \(summand) does not fit into 64 bits" }
    }

    /// What stands in the node is no number.
    public struct NotANumber: Error, Hashable, CustomStringConvertible {
        public let text: String

        public var description: String { "the counter's node says “\(text)”" }
    }

    private let shared: SharedValue

    /// Describes a counter; the node is made with `initial` when it is missing.
    public init(client: ZooKeeperClient, path: String, initial: Int64 = 0) {
        shared = SharedValue(client: client, path: path, initial: Self.encode(initial))
    }

    /// The number now.
    ///
    /// - Throws: ``NotANumber``; what ``SharedValue/read()`` throws.
    public func value() async throws -> Int64 { try Self.decode(try await shared.read().value) }

    /// Adds, and tells the sum.
    ///
    /// - Throws: ``Overflow`` and ``NotANumber``: nothing was added. ``OutcomeUnknown`` and `CancellationError`: nobody
    ///   can tell whether it was. ``/ZooKeeperClient/ZooKeeperError``: it was not.
    @discardableResult
    public func add(_ summand: Int64 = 1) async throws -> Int64 {
        let reading = try await shared.update { bytes in
            let value = try Self.decode(bytes)
            let (sum, overflow) = value.addingReportingOverflow(summand)
            if overflow { throw Overflow(value: value, summand: summand) }
            return Self.encode(sum)
        }
        return try Self.decode(reading.value)
    }

    /// Sets it to `new` if it is `old`.
    ///
    /// - Returns: Whether it was.
    /// - Throws: ``NotANumber``; otherwise as ``add(_:)``, but for the overflow.
    public func replace(_ old: Int64, with new: Int64) async throws -> Bool {
        var contention = Contention()
        while true {
            let reading = try await shared.read()
            guard try Self.decode(reading.value) == old else { return false }
            if try await shared.replace(reading, with: Self.encode(new)) != nil { return true }
            try await contention.lost()
        }
    }

    /// Sets it, whatever it was, also if that was no number.
    ///
    /// - Throws: ``OutcomeUnknown`` and `CancellationError`: nobody can tell whether it was set.
    ///   ``/ZooKeeperClient/ZooKeeperError``: it was not.
    public func set(_ new: Int64) async throws { _ = try await shared.update { _ in Self.encode(new) } }

    private static func encode(_ value: Int64) -> [UInt8] { Array(String(value).utf8) }

    private static func decode(_ bytes: [UInt8]) throws -> Int64 {
        let text = String(decoding: bytes, as: UTF8.self)
        if text.isEmpty { return 0 }
        guard let value = Int64(text) else { throw NotANumber(text: String(text.prefix(64))) }
        return value
    }
}
