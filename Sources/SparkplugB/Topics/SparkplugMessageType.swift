/// What an edge node's topic says about its message (Sparkplug 3.0, chapter 4). The host's own STATE is ``HostTopic``.
public enum SparkplugMessageType: UInt8, Hashable, Sendable, CaseIterable {
    case nodeBirth, nodeDeath, nodeData, nodeCommand, deviceBirth, deviceDeath, deviceData, deviceCommand

    /// The level in the topic.
    public var name: String {
        switch self {
        case .nodeBirth: "NBIRTH"
        case .nodeDeath: "NDEATH"
        case .nodeData: "NDATA"
        case .nodeCommand: "NCMD"
        case .deviceBirth: "DBIRTH"
        case .deviceDeath: "DDEATH"
        case .deviceData: "DDATA"
        case .deviceCommand: "DCMD"
        }
    }

    /// Whether the topic names a device.
    public var hasDevice: Bool {
        switch self {
        case .nodeBirth, .nodeDeath, .nodeData, .nodeCommand: false
        case .deviceBirth, .deviceDeath, .deviceData, .deviceCommand: true
        }
    }

    /// Whether the payload carries a sequence number: everything that an edge node publishes itself. Its NDEATH is its will.
    public var hasSequence: Bool {
        switch self {
        case .nodeBirth, .nodeData, .deviceBirth, .deviceDeath, .deviceData: true
        case .nodeDeath, .nodeCommand, .deviceCommand: false
        }
    }

    /// The type whose name these bytes are.
    init?(_ bytes: borrowing Span<UInt8>) {
        guard bytes.count >= 4 else { return nil }
        let isDevice: Bool
        switch bytes[0] {
        case UInt8(ascii: "N"): isDevice = false
        case UInt8(ascii: "D"): isDevice = true
        default: return nil
        }
        let type: Self
        switch bytes[1] {
        case UInt8(ascii: "B"): type = isDevice ? .deviceBirth : .nodeBirth
        case UInt8(ascii: "C"): type = isDevice ? .deviceCommand : .nodeCommand
        case UInt8(ascii: "D"):
            if bytes[2] == UInt8(ascii: "A") {
                type = isDevice ? .deviceData : .nodeData
            } else {
                type = isDevice ? .deviceDeath : .nodeDeath
            }
        default: return nil
        }
        guard bytes.hasBytes(of: type.name) else { return nil }
        self = type
    }
}

extension SparkplugMessageType: CustomStringConvertible {
    public var description: String { name }
}
