import Primitives

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension SeededRandom {
    /// From 0 up to, but not including, 1.
    mutating func unit() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }

    /// Mean 0, standard deviation 1.
    mutating func gaussian() -> Double {
        let radius = (-2 * log(1 - unit())).squareRoot()
        return radius * cos(2 * .pi * unit())
    }

    /// A generator of its own for one part of the plant, so that one more draw here changes nothing there.
    mutating func fork() -> SeededRandom { SeededRandom(seed: next()) }
}
