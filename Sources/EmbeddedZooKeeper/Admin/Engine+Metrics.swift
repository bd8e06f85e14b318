import NIOCore
import ZooKeeperProtocol

/// `/metrics`: ZooKeeper's names for what ZooKeeper has, `linekeeper_tree_…` for what it has not.
extension Engine {
    func metrics(_ context: FourLetterContext, _ now: Now) -> [UInt8] {
        var page = PrometheusText()
        for value in monitorValues(context, now) {
            if case .text = value.value { continue }
            page.single(value.name, value.kind.rawValue, value.help, value.text)
        }
        page.family("linekeeper_tree_info", "gauge", "The version in its labels")
        page.sample("linekeeper_tree_info", [("version", Self.version), ("server_state", "standalone")], "1")
        page.histogram(
            "linekeeper_tree_update_seconds", "Time until a request that had to wait for the disk was answered",
            statistics.updateLatency, divisor: 1e6)
        page.histogram(
            "linekeeper_tree_read_seconds", "Time until a request that had not to wait for the disk was answered",
            statistics.readLatency, divisor: 1e6)
        page.histogram(
            "linekeeper_tree_store_seconds", "Time that the disk took for a batch", statistics.storeDuration,
            divisor: 1e6)
        page.histogram("linekeeper_tree_batch_transactions", "Transactions in a batch", statistics.batchSize)
        page.histogram("linekeeper_tree_event_receivers", "Connections that one event went to", statistics.eventFanOut)
        addRequests(to: &page)
        addCounters(to: &page)
        addQuotas(to: &page)
        return page.bytes
    }

    private func addRequests(to page: inout PrometheusText) {
        let name = "linekeeper_tree_requests_total"
        page.family(name, "counter", "Requests by operation")
        for (number, count) in statistics.requests.enumerated() where count > 0 {
            let operation = Int32(exactly: number).flatMap(OperationCode.init(rawValue:)).map { "\($0)" } ?? "other"
            // The last place holds all that have no number of their own; others without a name do not get here twice.
            page.sample(name, [("operation", operation == "other" ? "other_\(number)" : operation)], String(count))
        }
    }

    private func addCounters(to page: inout PrometheusText) {
        let counters: [(String, UInt64, String)] = [
            ("sessions_created_total", statistics.sessionsCreated, "Sessions created"),
            ("events_sent_total", statistics.eventsSent, "Watch events sent"),
        ]
        for (name, value, help) in counters {
            page.single("linekeeper_tree_" + name, "counter", help, String(value))
        }
        let gauges: [(String, Int, String)] = [
            ("gated_bytes", gatedBytes, "Bytes of answers and events that wait for the disk"),
            ("unwritten_log_bytes", tree.log.buffer.readableBytes, "Bytes of log not yet given to the disk"),
        ]
        for (name, value, help) in gauges { page.single("linekeeper_tree_" + name, "gauge", help, String(value)) }
        page.single(
            "process_resident_memory_bytes", "gauge", "Resident memory",
            String(max(0, ProcessInformation.residentBytes)))
        page.single(
            "process_cpu_seconds_total", "counter", "Processor time used",
            PrometheusText.number(ProcessInformation.processorSeconds))
        page.single(
            "process_start_time_seconds", "gauge", "When the server started, in seconds since 1970",
            PrometheusText.number(Double(statistics.started.wallMilliseconds) / 1000))
    }

    private func addQuotas(to page: inout PrometheusText) {
        let quotas = tree.quotas.quotas.values.sorted { $0.path.string < $1.path.string }.prefix(1000)
        guard !quotas.isEmpty else { return }
        let families: [(String, String, (QuotaTable.Quota) -> Int64)] = [
            ("quota_count_usage", "Nodes below a path with a quota", { $0.count }),
            ("quota_bytes_usage", "Bytes below a path with a quota", { $0.bytes }),
            ("quota_count_limit", "Soft limit of nodes", { $0.limits.count }),
            ("quota_bytes_limit", "Soft limit of bytes", { $0.limits.bytes }),
            ("quota_count_hard_limit", "Hard limit of nodes", { $0.limits.countHardLimit }),
            ("quota_bytes_hard_limit", "Hard limit of bytes", { $0.limits.byteHardLimit }),
        ]
        for (name, help, value) in families {
            page.family("linekeeper_tree_" + name, "gauge", help)
            for quota in quotas where value(quota) >= 0 {
                page.sample("linekeeper_tree_" + name, [("path", quota.path.string)], String(value(quota)))
            }
        }
    }
}
