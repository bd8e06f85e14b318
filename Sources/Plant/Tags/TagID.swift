/// A tag's number in the `TagTable` of this process. Handed out in order from zero, never reused, never written to the
/// tree.
public struct TagID: RawRepresentable, Hashable, Sendable, Comparable {
    public let rawValue: UInt32

    @inlinable
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The number as an index of arrays that have one element a tag.
    @inlinable
    public var index: Int { Int(rawValue) }

    @inlinable
    public static func < (left: TagID, right: TagID) -> Bool { left.rawValue < right.rawValue }
}

/// A device's number in the `DeviceTable` of this process. Handed out in order from zero, never reused.
public struct DeviceID: RawRepresentable, Hashable, Sendable, Comparable {
    public let rawValue: UInt32

    @inlinable
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The number as an index of arrays that have one element a device.
    @inlinable
    public var index: Int { Int(rawValue) }

    @inlinable
    public static func < (left: DeviceID, right: DeviceID) -> Bool { left.rawValue < right.rawValue }
}
