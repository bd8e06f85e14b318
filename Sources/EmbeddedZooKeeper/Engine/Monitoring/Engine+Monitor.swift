import ZooKeeperProtocol

/// One number (or word) that monitoring asks for; the name is ZooKeeper's where ZooKeeper has it.
struct MonitorValue {
    enum Value {
        case text(String)
        case integer(Int64)
        case decimal(Double)
    }

    enum Kind: String {
        case gauge
        case counter
    }

    let name: String
    let value: Value
    let kind: Kind
    let help: String

    init(_ name: String, _ value: Value, _ help: String) {
        self.init(name: name, value: value, kind: .gauge, help: help)
    }

    init(_ name: String, _ value: some BinaryInteger, _ help: String) {
        self.init(name: name, value: .integer(Int64(clamping: value)), kind: .gauge, help: help)
    }

    init(_ name: String, _ value: some BinaryInteger, _ kind: Kind, _ help: String) {
        self.init(name: name, value: .integer(Int64(clamping: value)), kind: kind, help: help)
    }

    private init(name: String, value: Value, kind: Kind, help: String) {
        self.name = name
        self.value = value
        self.kind = kind
        self.help = help
    }

    var text: String {
        switch value {
        case .text(let text): text
        case .integer(let number): String(number)
        case .decimal(let number): javaDouble(number)
        }
    }
}

/// What `mntr`, `/commands/monitor` and `/metrics` tell alike.
extension Engine {
    var outstanding: Int { waitingAnswers }

    func monitorValues(_ context: FourLetterContext, _ now: Now) -> [MonitorValue] {
        stateValues(context, now) + trafficValues + trouble
            + Self.summary("fsynctime", statistics.storeDuration, divisor: 1000)
            + Self.summary("sync_processor_batch_size", statistics.batchSize, divisor: 1)
            + Self.summary("readlatency", statistics.readLatency, divisor: 1000, withQuantiles: true)
            + Self.summary("updatelatency", statistics.updateLatency, divisor: 1000, withQuantiles: true)
    }

    private func stateValues(_ context: FourLetterContext, _ now: Now) -> [MonitorValue] {
        let ephemerals = tree.ephemerals.values.reduce(0) { $0 + $1.count }
        return [
            MonitorValue("version", .text("\(Self.version), \(Self.built)"), "Version"),
            MonitorValue("server_state", .text("standalone"), "Role"),
            MonitorValue("ephemerals_count", ephemerals, "Ephemeral nodes"),
            MonitorValue("num_alive_connections", clients.count, "Open client connections"),
            MonitorValue(
                "avg_latency", .decimal(statistics.latency.average), "Mean milliseconds until an answer, since srst"),
            MonitorValue("outstanding_requests", outstanding, "Answers that wait for the disk"),
            MonitorValue("znode_count", tree.nodes.count, "Nodes"),
            MonitorValue("global_sessions", sessions.count, "Sessions"),
            MonitorValue("local_sessions", 0, "Local sessions; there are none"),
            MonitorValue("watch_count", watches.count, "Watches"),
            MonitorValue("approximate_data_size", tree.approximateDataSize, "Bytes of data and paths"),
            MonitorValue(
                "min_latency", statistics.latency.minimum, "Least milliseconds until an answer, since srst"),
            MonitorValue(
                "max_latency", statistics.latency.maximum, "Greatest milliseconds until an answer, since srst"),
            MonitorValue(
                "open_file_descriptor_count", ProcessInformation.openFileDescriptors, "Open file descriptors"),
            MonitorValue(
                "max_file_descriptor_count", ProcessInformation.maximumFileDescriptors,
                "File descriptors that this process may open"),
            MonitorValue(
                "uptime", max(0, now.instant.milliseconds(since: statistics.started.instant)),
                "Milliseconds since the start"),
        ]
    }

    private var trafficValues: [MonitorValue] {
        [
            MonitorValue(
                "packets_received", statistics.received &- statistics.receivedBefore, "Requests received, since srst"),
            MonitorValue("packets_sent", statistics.sent &- statistics.sentBefore, "Answers and events, since srst"),
            MonitorValue("bytes_received_count", statistics.bytesReceived, .counter, "Bytes of requests received"),
            MonitorValue("response_bytes", statistics.bytesSent, .counter, "Bytes of answers and events sent"),
            MonitorValue(
                "connection_request_count", statistics.connectionsAccepted, .counter, "Connections accepted"),
            MonitorValue("log_batches", statistics.batches, .counter, "Batches given to the disk"),
            MonitorValue("log_records", statistics.records, .counter, "Transactions given to the disk"),
        ]
    }

    private var trouble: [MonitorValue] {
        [
            MonitorValue("auth_failed_count", statistics.failedAuthentications, .counter, "Failed authentications"),
            MonitorValue(
                "connection_rejected", statistics.connectionsRefused, .counter, "Connections refused by a limit"),
            MonitorValue(
                "connection_drop_count", statistics.connectionsDropped, .counter,
                "Connections ended because of what came over them or because they took nothing"),
            MonitorValue("connection_drop_probability", .decimal(0), "Share of connections refused by chance: none"),
            MonitorValue(
                "sessionless_connections_expired", statistics.handshakesMissed, .counter,
                "Connections closed because no handshake came"),
            MonitorValue("stale_sessions_expired", statistics.expired, .counter, "Sessions that expired"),
            MonitorValue(
                "large_requests_rejected", statistics.oversizeRequests, .counter, "Requests longer than the frame limit"
            ),
            MonitorValue("throttled_ops", 0, .counter, "Requests refused by throttling; reading is held back instead"),
            MonitorValue(
                "request_throttle_wait_count", statistics.throttled, .counter,
                "How often reading from a connection was held back"),
            MonitorValue(
                "quota_exceeded_count", statistics.quotaHardExceeded, .counter, "Changes that exceeded a hard quota"),
            MonitorValue(
                "quota_soft_exceeded_count", statistics.quotaSoftExceeded, .counter,
                "Changes that exceeded a soft quota"),
            MonitorValue(
                "disk_full", isDiskFull ? 1 : 0, .gauge, "Whether there is no room for another segment of the log"),
            MonitorValue(
                "digest_mismatches_count", statistics.digestMismatches, .counter,
                "Whether the log led to another tree than the one that wrote it"),
            MonitorValue("process_stalls", statistics.stalls, .counter, "Pauses of this process longer than a tick"),
        ]
    }

    /// ZooKeeper's five lines of a summary, in its unit; and its four percentiles.
    private static func summary(
        _ name: String, _ histogram: Histogram, divisor: Int64, withQuantiles: Bool = false
    ) -> [MonitorValue] {
        var values = [
            MonitorValue("avg_" + name, .decimal(histogram.average / Double(divisor)), "Mean"),
            MonitorValue("min_" + name, histogram.minimum / divisor, "Least"),
            MonitorValue("max_" + name, histogram.maximum / divisor, "Greatest"),
            MonitorValue("cnt_" + name, histogram.count, "How many"),
            MonitorValue("sum_" + name, histogram.sum / UInt64(divisor), "Sum"),
        ]
        guard withQuantiles else { return values }
        for (label, share) in [("p50_", 0.5), ("p95_", 0.95), ("p99_", 0.99), ("p999_", 0.999)] {
            values.append(MonitorValue(label + name, histogram.quantile(share) / divisor, "Percentile"))
        }
        return values
    }
}
