/// Whether a device is there.
///
/// ```
///            live data, "online"
///   ┌──────────────────────────────────┐
///   ▼                                  │
/// online ── silent for staleAfter ─► stale
///   │ ▲                                │
///   │ └── live data, "online" ──┐      │ "offline"
///   └────── "offline" ──────► offline ◄┘
/// ```
public enum DeviceState: String, Sendable, Hashable, CaseIterable {
    case online, offline, stale
}
