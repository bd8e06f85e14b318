/// How long to wait between attempts to connect.
public struct MQTTBackoff: Sendable, Hashable {
    /// The first wait: short, because most losses are a broker that restarts.
    public var initial: Duration
    /// The longest wait.
    public var maximum: Duration
    /// The wait after a refusal that does not heal by itself: wrong password, wrong protocol.
    public var afterRefusal: Duration
    /// The part of each wait that is random, 0…1, so that many clients do not come back in the same instant.
    public var jitter: Double
    /// How many connections in a row may end sooner than ``briefly`` after the broker accepted them before waits grow for
    /// them as well. Every other accepted connection makes the next wait ``initial`` again.
    ///
    /// A broker that accepts is a broker that works, so its client does not wait for it. But two clients with one id throw
    /// each other out at once, and must do so ever more slowly: MQTT 3.1.1 does not tell them why.
    public var briefConnections: Int
    /// A connection that ends sooner is a brief one.
    public var briefly: Duration

    public init(
        initial: Duration = .milliseconds(50), maximum: Duration = .seconds(10), jitter: Double = 0.5,
        afterRefusal: Duration = .seconds(10), briefConnections: Int = 3, briefly: Duration = .seconds(1)
    ) {
        self.initial = initial
        self.maximum = maximum
        self.jitter = jitter
        self.afterRefusal = afterRefusal
        self.briefConnections = briefConnections
        self.briefly = briefly
    }
}
