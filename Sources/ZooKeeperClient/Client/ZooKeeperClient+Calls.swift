import NIOCore
import ZooKeeperProtocol

/// The way of every request.
extension ZooKeeperClient {
    /// Validates the path and names it as the server does.
    func absolute(_ path: String, sequential: Bool = false, _ operation: OperationCode) throws -> String {
        try validate(path, sequential: sequential, operation)
        return chroot.absolute(path)
    }

    func validate(_ path: String, sequential: Bool = false, _ operation: OperationCode) throws {
        do {
            try ZooKeeperPath.validate(path, sequential: sequential)
        } catch {
            throw ZooKeeperError(code: .badArguments, path: path, operation: operation, message: "\(error)")
        }
    }

    /// Sends a request and waits for its answer, whatever error it carries.
    ///
    /// - Parameter size: About how long the body is, when that is known to be much.
    func exchange(
        _ operation: OperationCode, path: String?, arming: WatchArming? = nil, size: Int = 0,
        body: (inout ByteBuffer) -> Void
    ) async throws -> PendingCall.Reply {
        let call = try makeCall(operation, path: path, arming: arming, size: size, body: body)
        core.submit(call)
        return try await call.wait()
    }

    /// Makes a request that the server can accept.
    func makeCall(
        _ operation: OperationCode, path: String?, arming: WatchArming? = nil, size: Int = 0,
        body: (inout ByteBuffer) -> Void
    ) throws -> PendingCall {
        if case .oneShot(_, let slot)? = arming { slot.noteRequested() }
        let call = PendingCall.request(
            operation, path: path, arming: arming, deadline: .now + core.configuration.requestTimeout, size: size,
            body: body)
        guard call.frame.readableBytes - 4 <= core.configuration.maximumRequestLength else {
            throw call.error(
                .requestTooLarge,
                "\(call.frame.readableBytes - 4) bytes, at most \(core.configuration.maximumRequestLength) are accepted"
            )
        }
        return call
    }

    /// Sends a request and waits for its body.
    func call(
        _ operation: OperationCode, path: String?, arming: WatchArming? = nil, size: Int = 0,
        body: (inout ByteBuffer) -> Void
    ) async throws -> ByteBuffer {
        let reply = try await exchange(operation, path: path, arming: arming, size: size, body: body)
        guard reply.error == .ok else { throw ZooKeeperError(code: reply.error, path: path, operation: operation) }
        return reply.body
    }

    /// Sends a request whose answer is a record.
    func call<Response: Record>(
        _ operation: OperationCode, path: String?, arming: WatchArming? = nil, size: Int = 0,
        as response: Response.Type, body: (inout ByteBuffer) -> Void
    ) async throws -> Response {
        var answer = try await call(operation, path: path, arming: arming, size: size, body: body)
        return try decode(&answer, path, operation)
    }

    func decode<Response: Record>(
        _ answer: inout ByteBuffer, _ path: String?, _ operation: OperationCode
    ) throws -> Response {
        try Self.decode(&answer, path, operation)
    }

    static func decode<Response: Record>(
        _ answer: inout ByteBuffer, _ path: String?, _ operation: OperationCode
    ) throws -> Response {
        do {
            return try Response(from: &answer)
        } catch {
            throw ZooKeeperError(code: .marshallingError, path: path, operation: operation, message: "\(error)")
        }
    }
}
