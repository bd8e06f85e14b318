/// Whether a device is there.
///
/// ```
///            live data, "online", heartbeat
///   ┌──────────────────────────────────────────┐
///   ▼                                          │
/// online ── silent for staleAfter ─────────► stale
///   │ ▲                                        │
///   │ └── live data, "online", heartbeat ──┐   │ "offline", or silent for its heartbeat
///   └── "offline", or silent for ──────► offline ◄┘
///       its heartbeat
/// ```
///
/// Any live message is a sign of life, whichever topic it comes on: it begins the time anew both for `staleAfter` and for the
/// heartbeat, so a device whose values come is there although its heartbeats are missing.
public enum DeviceState: String, Sendable, Hashable, CaseIterable {
    case online, offline, stale
}
