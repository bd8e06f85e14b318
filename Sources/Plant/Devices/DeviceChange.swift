/// A device whose node is to be written.
public struct DeviceChange: Sendable {
    public let device: DeviceID
    /// As it is spelt below `/devices`, without a leading slash.
    public let znodePath: String
    public let shard: Int
    public let record: DeviceRecord
}
