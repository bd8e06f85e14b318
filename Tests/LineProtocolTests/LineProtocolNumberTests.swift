import LineProtocol
import Primitives
import Testing

@Suite("Line protocol: numbers")
struct LineProtocolNumberTests {
    private func value(_ text: String) -> Point.Value? {
        guard case .point(let point)? = read("m f=\(text)").first else { return nil }
        return point.fields.first?.value
    }

    /// The standard library prints the shortest digits that are read as the same double.
    @Test("doubles of any bits are read back to the last bit, seeded")
    func shortest() {
        var random = SeededRandom(seed: 1)
        for _ in 0..<50_000 {
            let number = Double(bitPattern: random.next())
            guard number.isFinite else { continue }
            #expect(value("\(number)") == .float(number.bitPattern), "\(number)")
        }
    }

    /// What sensors send lies on both sides of where the quick conversion is exact: 2⁵³ and 10²².
    @Test("plain decimals are what the standard library reads, seeded")
    func decimals() {
        var random = SeededRandom(seed: 2)
        for _ in 0..<50_000 {
            let digits = String(random.next() >> UInt64.random(in: 0...63, using: &random))
            let point = Int.random(in: 0...digits.count, using: &random)
            var text = "\(digits.prefix(point)).\(digits.dropFirst(point))"
            if Bool.random(using: &random) { text += "e\(Int.random(in: -40...40, using: &random))" }
            if Bool.random(using: &random) { text = "-" + text }
            if Bool.random(using: &random) { text = text.replacing(".", with: "") }
            #expect(value(text) == Double(text).map { .float($0.bitPattern) }, "\(text)")
        }
    }

    @Test(
        "where the quick conversion ends",
        arguments: [
            "9007199254740991", "9007199254740992", "9007199254740993", "9007199254740993.0", "900719925474099.3e1",
            "9007199254740992e22", "9007199254740993e22", "9007199254740992e23", "9007199254740992e-22",
            "9007199254740992e-23", "1e22", "1e23", "-1e23", "0.1", "0.30000000000000004", "123456789012345678",
            "1234567890123456789", "0.000000000000000000000000000001", "179769313486231570e291",
            "2.2250738585072011e-308",
            "2.2250738585072014e-308", "5e-324", "2e-324", "4.9406564584124654e-324",
        ])
    func limits(_ text: String) throws {
        #expect(value(text) == .float(try #require(Double(text)).bitPattern))
    }

    @Test("a number may be 4096 characters long")
    func length() {
        let digits = String(repeating: "0", count: 4094)
        #expect(value("0.\(digits)") == .float(0))
        #expect(value("0.\(digits)1") == nil)
        #expect(value("1\(digits)e-4094") == nil)
        #expect(read("m f=0.\(digits)1").map(\.description) == ["numberOutOfRange@4"])
    }

    @Test("integers of any size, seeded")
    func integers() {
        var random = SeededRandom(seed: 3)
        for _ in 0..<20_000 {
            let magnitude = random.next() >> UInt64.random(in: 0...63, using: &random)
            let text = (Bool.random(using: &random) ? "-" : "") + "\(magnitude)"
            #expect(value("\(text)i") == Int64(text).map { .integer($0) }, "\(text)")
            #expect(value("\(text)u") == (text.hasPrefix("-") ? nil : .unsigned(magnitude)), "\(text)")
        }
    }
}
