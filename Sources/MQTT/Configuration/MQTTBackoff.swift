/// How long to wait between attempts to connect.
public struct MQTTBackoff: Sendable, Hashable {
    /// The first wait: short, because most losses are a broker that restarts.
    public var initial: Duration
    /// The longest wait, and the wait after a refusal that does not heal by itself (wrong password, wrong protocol).
    public var maximum: Duration
    /// The part of each wait that is random, 0…1, so that many clients do not come back in the same instant.
    public var jitter: Double
    /// A connection that lasted this long was a good one: the next wait is ``initial`` again. Longer than ``maximum``, so
    /// that two clients with one id, which throw each other out, do so ever more slowly.
    public var resetAfter: Duration

    public init(
        initial: Duration = .milliseconds(50), maximum: Duration = .seconds(10), jitter: Double = 0.5,
        resetAfter: Duration = .seconds(30)
    ) {
        self.initial = initial
        self.maximum = maximum
        self.jitter = jitter
        self.resetAfter = resetAfter
    }
}
