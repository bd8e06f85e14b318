import ZooKeeperProtocol

/// A connection as `cons` and its kind tell of it.
extension Client {
    /// Its address and port as Java prints them.
    var remoteAddress: String { "\(address.contains(":") ? "[\(address)]" : address):\(port)" }

    /// The four letters that ZooKeeper has for the last request.
    var lastOperationName: String {
        guard let lastOperation else { return "NA" }
        return OperationCode(rawValue: lastOperation).map(Self.name) ?? "UNKN"
    }

    private static func name(_ operation: OperationCode) -> String {
        switch operation {
        case .create, .create2, .createContainer, .createTTL: "CREA"
        case .delete, .deleteContainer: "DELE"
        case .exists: "EXIS"
        case .getData: "GETD"
        case .setData: "SETD"
        case .getACL: "GETA"
        case .setACL: "SETA"
        case .getChildren, .getChildren2: "GETC"
        case .getAllChildrenNumber: "GETACN"
        case .sync: "SYNC"
        case .ping: "PING"
        case .check: "CHEC"
        case .multi: "MULT"
        case .multiRead: "MLTR"
        case .reconfig: "RECO"
        case .checkWatches: "CHKW"
        case .removeWatches: "REMW"
        case .auth: "AUTH"
        case .setWatches: "SETW"
        case .setWatches2: "STW2"
        case .addWatch: "ADDW"
        case .sasl: "SASL"
        case .getEphemerals: "GETE"
        case .whoAmI: "HOMI"
        case .createSession: "SESS"
        case .closeSession: "CLOS"
        case .error: "ERRO"
        }
    }

    /// One line of `stat` (short) or `cons`.
    func line(isShort: Bool) -> String {
        var line =
            " /\(remoteAddress)[\(session == nil ? 0 : 1)](queued=\(gatedAnswers),recved=\(received),sent=\(sent)"
        if !isShort, let session {
            line +=
                ",sid=\(hex(session.id)),lop=\(lastOperationName),est=\(established),to=\(session.timeoutMilliseconds)"
            if lastXid >= 0 { line += ",lcxid=\(hex(Int64(lastXid)))" }
            line += ",lzxid=\(hex(lastZxid)),lresp=\(lastAnswer),llat=\(latency.last),minlat=\(latency.minimum)"
            line += ",avglat=\(Int64(latency.average)),maxlat=\(latency.maximum)"
        }
        return line + ")\n"
    }

    func resetCounts() {
        received = 0
        sent = 0
        latency = LatencySummary()
        lastOperation = nil
        lastXid = -1
        lastZxid = -1
        lastAnswer = 0
    }
}

extension Engine {
    /// The longest list that is told; making more lines would hold up everybody else.
    static let reportLimit = 5000

    /// Connections in the order in which they came, at most ``reportLimit``, and how many more there are.
    var reportedClients: (clients: [Client], more: Int) {
        let all = clients.values.sorted { $0.number < $1.number }
        return (Array(all.prefix(Self.reportLimit)), max(0, all.count - Self.reportLimit))
    }
}
