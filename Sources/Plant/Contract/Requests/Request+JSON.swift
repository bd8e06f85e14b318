package import JSON
import OrderedCollections

extension Request {
    /// Reads the data of a request's node.
    ///
    /// What cannot be done is a request all the same (``Body/impossible(kind:mistake:)``): it gets an answer that says why.
    ///
    /// - Throws: for data that is no request, or does not belong where it lies.
    package init(parsing bytes: [UInt8], at place: RequestPlace) throws(RecordMistake) {
        let members = try RecordReader<Member>(parsing: bytes, sizeLimit: Self.sizeLimit)
        let id = try members.requiredText(.id)
        guard id == place.id else { throw members.mistake(.id, "is \"\(id)\", must be \"\(place.id)\"") }
        self.init(
            id: id, by: try members.text(.by) ?? place.principal, at: try members.requiredTime(.at),
            deadline: try members.time(.deadline),
            Self.body(kind: try members.requiredText(.kind), try members.object(.body) ?? [:]))
        switch place.door {
        case .mailbox:
            guard by == place.principal else {
                throw members.mistake(.by, "is \"\(by)\", in the mailbox of \"\(place.principal)\"")
            }
        case .mqtt:
            let name = try members.requiredText(.onBehalfOf)
            guard name == place.principal else {
                throw members.mistake(.onBehalfOf, "is \"\(name)\", must be \"\(place.principal)\"")
            }
            let way = try members.text(.established) ?? Principal.Establishment.claimed.rawValue
            guard Principal.Establishment.isSound(way) else {
                throw members.mistake(.established, "is \"\(way.prefix(100))\", must be a word")
            }
            onBehalfOf = Principal(name, established: .init(rawValue: way))
            if let topic = try members.text(.replyTo) {
                reply = Reply(
                    topic: topic, correlation: try members.text(.correlation).flatMap(Self.bytes(hexadecimal:)))
            }
        }
        if let answer = members[.answer], !answer.isNull { self.answer = try RequestAnswer(json: answer) }
    }

    /// A request as it comes over MQTT, without what its topic says: `{"id","kind","at","deadline","body"}`.
    ///
    /// - Throws: when not even an id can be read; everything else gets an answer.
    package init(message bytes: [UInt8], from principal: Principal, receivedAt: Milliseconds) throws(RecordMistake) {
        guard bytes.count <= Self.sizeLimit else { throw RecordMistake(nil, "larger than \(Self.sizeLimit) bytes") }
        let json: JSONValue
        do { json = try JSONValue(payload: bytes) } catch { throw RecordMistake(nil, "\(error)") }
        let members = try RecordReader<Member>(json)
        let id = try members.requiredText(.id)
        if let mistake = Self.mistake(inID: id) { throw members.mistake(.id, mistake) }
        self.init(
            id: id, by: principal.name, at: try members.time(.at) ?? receivedAt, deadline: try members.time(.deadline),
            Self.body(kind: try members.requiredText(.kind), try members.object(.body) ?? [:]), onBehalfOf: principal)
    }

    private static func body(kind: String, _ members: OrderedDictionary<String, JSONValue>) -> Body {
        do throws(RecordMistake) {
            switch Kind(rawValue: kind) {
            case .acknowledge?: return try alarm(.acknowledge, members)
            case .forget?: return try alarm(.forget, members)
            case .command?: return .command(try CommandOrder(reading: members))
            case .cancel?:
                let known = try RecordReader<CancelMember>(.object(members))
                return .cancel(
                    command: try known.requiredText(.command),
                    device: try CommandRecord.device(try known.requiredText(.device)))
            case .drain?: return .drain(try DrainOrder(reading: members))
            case nil:
                return .impossible(
                    kind: kind, members: members,
                    mistake: "this gateway does not know requests of the kind \"\(kind.prefix(100))\"")
            }
        } catch {
            return .impossible(kind: kind, members: members, mistake: "\(error)")
        }
    }

    private static func alarm(
        _ action: AlarmOperation.Action, _ members: OrderedDictionary<String, JSONValue>
    ) throws(RecordMistake) -> Body {
        let operation = try AlarmOperation(action, reading: members)
        if let mistake = operation.mistake { throw RecordMistake(nil, mistake) }
        return .alarm(operation)
    }

    private var kind: String {
        switch body {
        case .alarm(let operation):
            switch operation.action {
            case .acknowledge: Kind.acknowledge.rawValue
            case .forget: Kind.forget.rawValue
            }
        case .command: Kind.command.rawValue
        case .cancel: Kind.cancel.rawValue
        case .drain: Kind.drain.rawValue
        case .impossible(let kind, _, _): kind
        }
    }

    /// The request as it is created; the answer is put into what was created (``answering(_:with:)``).
    package var json: JSONValue {
        var members = OrderedDictionary<String, JSONValue>()
        func put(_ member: Member, _ value: JSONValue?) {
            if let value { members[member.rawValue] = value }
        }
        put(.id, .string(id))
        put(.kind, .string(kind))
        put(.by, .string(by))
        put(.onBehalfOf, (onBehalfOf?.name).map(JSONValue.string))
        put(.established, (onBehalfOf?.established.rawValue).map(JSONValue.string))
        put(.at, .integer(at))
        put(.deadline, deadline.map(JSONValue.integer))
        put(.replyTo, (reply?.topic).map(JSONValue.string))
        put(.correlation, (reply?.correlation).map { .string(Self.hexadecimal($0)) })
        switch body {
        case .alarm(let operation): put(.body, .object(operation.members))
        case .command(let order): put(.body, .object(order.members))
        case .cancel(let command, let device):
            put(.body, ["command": .string(command), "device": .string(device.text)])
        case .drain(let order): put(.body, .object(order.members))
        case .impossible(_, let members, _): put(.body, .object(members))
        }
        return .object(members)
    }

    package func serialized() -> [UInt8] { json.serialized() }

    /// The data of a request's node with its answer; what a later version has put there stays.
    package static func answering(_ data: [UInt8], with answer: RequestAnswer) -> [UInt8] {
        var members = (try? JSONValue(parsing: data))?.objectValue ?? [:]
        members[Member.answer.rawValue] = answer.json
        return JSONValue.object(members).serialized()
    }

    /// What its requester hears over MQTT: `{"id","kind","answer":{…}}`.
    package func message(answer: RequestAnswer) -> JSONValue {
        ["id": .string(id), "kind": .string(kind), "answer": answer.json]
    }

    /// What can be asked for.
    private enum Kind: String { case acknowledge, forget, command, cancel, drain }

    private enum CancelMember: String, CaseIterable { case command, device }

    private enum Member: String, CaseIterable {
        case id, kind, by, onBehalfOf, established, at, deadline, replyTo, correlation, body, answer
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        var text = ""
        for byte in bytes {
            text += String(byte >> 4, radix: 16)
            text += String(byte & 15, radix: 16)
        }
        return text
    }

    private static func bytes(hexadecimal text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2), digits.count <= 2 * Reply.correlationLimit else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = JSONParser.hexDigit(digits[index]), let low = JSONParser.hexDigit(digits[index + 1]) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return bytes
    }
}
