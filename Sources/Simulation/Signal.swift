import Primitives

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// One physical quantity: it follows a target with some inertia, drifts slowly, and is measured with noise.
struct Signal: Sendable {
    /// Where the process would rest now. The owner of the signal moves it.
    var target: Double
    /// How long the process takes to come two thirds of the way to a new target, in seconds.
    let inertia: Double
    /// Standard deviation of the slow drift around the target.
    let drift: Double
    /// Standard deviation of the measurement's noise.
    let noise: Double
    /// Digits after the point that the sensor delivers.
    let digits: Int

    private var process: Double
    private var wander = 0.0
    private var random: SeededRandom

    /// The drift forgets where it was in about this time, in seconds.
    private static let driftMemory = 90.0

    init(
        _ target: Double, inertia: Double, drift: Double, noise: Double, digits: Int, random: inout SeededRandom
    ) {
        self.target = target
        self.inertia = inertia
        self.drift = drift
        self.noise = noise
        self.digits = digits
        process = target
        self.random = random.fork()
        wander = drift * self.random.gaussian()
    }

    /// The next measurement, `seconds` after the last one.
    mutating func measure(after seconds: Double) -> Double {
        process += (target - process) * (1 - exp(-seconds / max(inertia, 0.001)))
        let kept = exp(-seconds / Self.driftMemory)
        wander = wander * kept + drift * (1 - kept * kept).squareRoot() * random.gaussian()
        let scale = pow(10, Double(digits))
        return ((process + wander + noise * random.gaussian()) * scale).rounded() / scale
    }
}
