public import NIOCore

/// What stands before each operation and result of `multi` and `multiRead`, and after the last one with `done`.
public struct MultiHeader: Record, Hashable {
    /// The raw ``OperationCode`` of what follows.
    public var type: Int32
    /// Whether the list ends here. This, and not ``type``, decides.
    public var done: Bool
    public var error: Int32

    public init(type: Int32, done: Bool, error: Int32) {
        self.type = type
        self.done = done
        self.error = error
    }

    /// Makes the header of an operation in a request.
    public init(_ operation: OperationCode) {
        self.init(type: operation.rawValue, done: false, error: -1)
    }

    /// Ends a list.
    public static let end = MultiHeader(type: -1, done: true, error: -1)

    public init(from buffer: inout ByteBuffer) throws {
        guard let (type, done, error) = buffer.readMultipleIntegers(as: (Int32, UInt8, Int32).self) else {
            throw WireFormatError.truncated("multi header")
        }
        self.init(type: type, done: done != 0, error: error)
    }

    public func write(into buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(type, UInt8(done ? 1 : 0), error)
    }
}

/// One operation of a `multi` as it stands on the wire.
public enum MultiOperation: Sendable, Hashable {
    /// `type` is `create`, `create2`, `createContainer` or `createTTL`; it decides how the result is written.
    case create(CreateRequest, type: OperationCode)
    case delete(PathVersionRequest)
    case setData(SetDataRequest)
    case check(PathVersionRequest)

    /// The wire form of an operation; creates ask for the stat.
    public init(_ operation: Operation) {
        switch operation {
        case .create(let path, let data, let acl, let mode, let ttl):
            let request = CreateRequest(path: path, data: data, acl: acl, mode: mode, timeToLiveMilliseconds: ttl)
            self = .create(request, type: request.operation)
        case .delete(let path, let version): self = .delete(PathVersionRequest(path: path, version: version))
        case .setData(let path, let data, let version):
            self = .setData(SetDataRequest(path: path, data: data, version: version))
        case .check(let path, let version): self = .check(PathVersionRequest(path: path, version: version))
        }
    }

    /// Appends it with its header, as it stands in ``MultiRequest``.
    public func write(into buffer: inout ByteBuffer) {
        switch self {
        case .setData(let request):
            let size = Self.headerSize + 12 + request.path.utf8.count + (request.data?.count ?? 0)
            buffer.writeFields(atMost: size) { fields in
                writeHeader(&fields)
                fields.string(request.path)
                fields.bytes(request.data)
                fields.integer(request.version)
            }
        case .delete(let request), .check(let request):
            buffer.writeFields(atMost: Self.headerSize + 8 + request.path.utf8.count) { fields in
                writeHeader(&fields)
                fields.string(request.path)
                fields.integer(request.version)
            }
        case .create(let request, let type):
            MultiHeader(type).write(into: &buffer)
            request.write(into: &buffer)
        }
    }

    private static let headerSize = 9

    private func writeHeader(_ fields: inout FieldWriter) {
        let header = MultiHeader(type)
        fields.integer(header.type)
        fields.integer(UInt8(header.done ? 1 : 0))
        fields.integer(header.error)
    }

    /// The code under which it travels.
    public var type: OperationCode {
        switch self {
        case .create(_, let type): type
        case .delete: .delete
        case .setData: .setData
        case .check: .check
        }
    }
}

/// Body of `multi`.
public struct MultiRequest: Record, Hashable {
    public var operations: [MultiOperation]

    public init(operations: [MultiOperation]) {
        self.operations = operations
    }

    /// Makes the body from the operations of the client's interface.
    public init(_ operations: [Operation]) {
        self.operations = operations.map(MultiOperation.init)
    }

    public init(from buffer: inout ByteBuffer) throws {
        operations = []
        while true {
            let header = try MultiHeader(from: &buffer)
            if header.done { return }
            switch OperationCode(rawValue: header.type) {
            case .create?: operations.append(.create(try CreateRequest(from: &buffer), type: .create))
            case .create2?: operations.append(.create(try CreateRequest(from: &buffer), type: .create2))
            case .createContainer?: operations.append(.create(try CreateRequest(from: &buffer), type: .createContainer))
            case .createTTL?:
                operations.append(.create(try CreateRequest(from: &buffer, withTimeToLive: true), type: .createTTL))
            case .delete?: operations.append(.delete(try PathVersionRequest(from: &buffer)))
            case .setData?: operations.append(.setData(try SetDataRequest(from: &buffer)))
            case .check?: operations.append(.check(try PathVersionRequest(from: &buffer)))
            default: throw WireFormatError("operation \(header.type) cannot be part of a transaction")
            }
        }
    }

    public func write(into buffer: inout ByteBuffer) {
        for operation in operations { operation.write(into: &buffer) }
        MultiHeader.end.write(into: &buffer)
    }
}

/// Reply to `multi`. Its reply header says `ok` even when the transaction failed: the failure is in the results.
public struct MultiResponse: Record, Hashable {
    public var results: [OperationResult]

    public init(results: [OperationResult]) {
        self.results = results
    }

    public init(from buffer: inout ByteBuffer) throws {
        results = []
        // Most results carry a stat and little else.
        results.reserveCapacity(buffer.readableBytes / Stat.encodedSize)
        while true {
            let header = try MultiHeader(from: &buffer)
            if header.done { return }
            switch OperationCode(rawValue: header.type) {
            case .create?: results.append(.created(path: try buffer.readJuteString("path"), stat: nil))
            case .create2?, .createContainer?, .createTTL?:
                let response = try Create2Response(from: &buffer)
                results.append(.created(path: response.path, stat: response.stat))
            case .setData?: results.append(.set(try Stat(from: &buffer)))
            case .delete?: results.append(.deleted)
            case .check?: results.append(.checked)
            case .error?: results.append(.failed(ErrorCode(rawValue: try buffer.readJuteInt("error"))))
            default: throw WireFormatError("operation \(header.type) cannot be the result of a transaction")
            }
        }
    }

    public func write(into buffer: inout ByteBuffer) {
        for result in results {
            switch result {
            case .created(let path, .none):
                MultiHeader(type: OperationCode.create.rawValue, done: false, error: 0).write(into: &buffer)
                buffer.writeJuteString(path)
            case .created(let path, .some(let stat)):
                MultiHeader(type: OperationCode.create2.rawValue, done: false, error: 0).write(into: &buffer)
                buffer.writeJuteString(path)
                stat.write(into: &buffer)
            case .set(let stat):
                MultiHeader(type: OperationCode.setData.rawValue, done: false, error: 0).write(into: &buffer)
                stat.write(into: &buffer)
            case .deleted:
                MultiHeader(type: OperationCode.delete.rawValue, done: false, error: 0).write(into: &buffer)
            case .checked:
                MultiHeader(type: OperationCode.check.rawValue, done: false, error: 0).write(into: &buffer)
            case .failed(let code):
                MultiHeader(type: OperationCode.error.rawValue, done: false, error: code.rawValue).write(into: &buffer)
                buffer.writeInteger(code.rawValue)
            }
        }
        MultiHeader.end.write(into: &buffer)
    }
}

/// One read of a `multiRead`; it cannot set a watch.
public enum MultiReadOperation: Sendable, Hashable {
    case getData(path: String)
    case getChildren(path: String)
}

/// Body of `multiRead`.
public struct MultiReadRequest: Record, Hashable {
    public var operations: [MultiReadOperation]

    public init(operations: [MultiReadOperation]) {
        self.operations = operations
    }

    public init(from buffer: inout ByteBuffer) throws {
        operations = []
        while true {
            let header = try MultiHeader(from: &buffer)
            if header.done { return }
            switch OperationCode(rawValue: header.type) {
            case .getData?: operations.append(.getData(path: try PathWatchRequest(from: &buffer).path))
            case .getChildren?: operations.append(.getChildren(path: try PathWatchRequest(from: &buffer).path))
            default: throw WireFormatError("operation \(header.type) cannot be part of a multi-read")
            }
        }
    }

    public func write(into buffer: inout ByteBuffer) {
        for operation in operations {
            switch operation {
            case .getData(let path):
                MultiHeader(.getData).write(into: &buffer)
                PathWatchRequest(path: path, watch: false).write(into: &buffer)
            case .getChildren(let path):
                MultiHeader(.getChildren).write(into: &buffer)
                PathWatchRequest(path: path, watch: false).write(into: &buffer)
            }
        }
        MultiHeader.end.write(into: &buffer)
    }
}

/// Reply to `multiRead`.
public struct MultiReadResponse: Record, Hashable {
    public var results: [ReadResult]

    public init(results: [ReadResult]) {
        self.results = results
    }

    public init(from buffer: inout ByteBuffer) throws {
        results = []
        while true {
            let header = try MultiHeader(from: &buffer)
            if header.done { return }
            switch OperationCode(rawValue: header.type) {
            case .getData?: results.append(.data(try GetDataResponse(from: &buffer)))
            case .getChildren?: results.append(.children(try buffer.readJuteStrings("children")))
            case .error?: results.append(.failed(ErrorCode(rawValue: try buffer.readJuteInt("error"))))
            default: throw WireFormatError("operation \(header.type) cannot be the result of a multi-read")
            }
        }
    }

    public func write(into buffer: inout ByteBuffer) {
        for result in results {
            switch result {
            case .data(let response):
                MultiHeader(type: OperationCode.getData.rawValue, done: false, error: 0).write(into: &buffer)
                response.write(into: &buffer)
            case .children(let names):
                MultiHeader(type: OperationCode.getChildren.rawValue, done: false, error: 0).write(into: &buffer)
                buffer.writeJuteStrings(names)
            case .failed(let code):
                MultiHeader(type: OperationCode.error.rawValue, done: false, error: code.rawValue).write(into: &buffer)
                buffer.writeInteger(code.rawValue)
            }
        }
        MultiHeader.end.write(into: &buffer)
    }
}
