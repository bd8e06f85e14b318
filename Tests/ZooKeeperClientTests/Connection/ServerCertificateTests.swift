import Testing

@testable import ZooKeeperClient

@Suite("What is wrong with a server's certificate")
struct ServerCertificateTests {
    /// 2026-11-29 10:05 UTC.
    private static let now: Int64 = 1_795_946_700

    private static func certificate(_ names: [String], from: Int64 = -86_400, to: Int64 = 86_400) -> ServerCertificate {
        ServerCertificate(names: names, notBefore: now + from, notAfter: now + to)
    }

    private static let sound = certificate(["tree1", "10.0.0.1"])
    private static let clock = "it is 2026-11-29 10:05 UTC by this machine's clock"

    @Test(
        arguments: [
            ([], .trust, nil), ([], .name, nil),
            (
                [sound], .trust,
                "the server's certificate (for tree1, 10.0.0.1) is not from an authority that this client trusts"
            ),
            ([certificate([])], .trust, "the server's certificate is not from an authority that this client trusts"),
            (
                [certificate(["tree1"], to: -3_600)], .trust,
                "the server's certificate (for tree1) expired on 2026-11-29 09:05 UTC; \(clock)"
            ),
            (
                [certificate(["tree1"], from: 86_400, to: 99_999)], .trust,
                "the server's certificate (for tree1) is not valid before 2026-11-30 10:05 UTC; \(clock)"
            ),
            (
                [sound, certificate([], to: -1)], .trust,
                "an authority's certificate behind the server's (for tree1, 10.0.0.1) expired on 2026-11-29 10:04 UTC; \(clock)"
            ),
            // Valid to the last second.
            (
                [certificate(["a"], to: 0)], .trust,
                "the server's certificate (for a) is not from an authority that this client trusts"
            ),
            ([sound], .name, "the server's certificate is for another name than tree9: tree1, 10.0.0.1"),
            ([certificate([])], .name, "the server's certificate is for another name than tree9: it has none"),
        ] as [([ServerCertificate], ServerCertificate.Objection, String?)])
    func texts(chain: [ServerCertificate], objection: ServerCertificate.Objection, expected: String?) {
        #expect(ServerCertificate.text(of: chain, objection, host: "tree9", now: Self.now) == expected)
    }

    @Test(
        arguments: [
            (0, "1970-01-01 00:00 UTC"), (-1, "1969-12-31 23:59 UTC"), (253_402_300_799, "9999-12-31 23:59 UTC"),
            (.max, "9223372036854775807 s"), (.min, "-9223372036854775808 s"),
        ] as [(Int64, String)])
    func times(seconds: Int64, expected: String) { #expect(ServerCertificate.time(seconds) == expected) }
}
