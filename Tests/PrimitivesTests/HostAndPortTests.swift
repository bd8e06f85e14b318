import Primitives
import Testing

@Suite("Host and port")
struct HostAndPortTests {
    @Test(
        "What is read, and what is not",
        arguments: [
            ("127.0.0.1:2181", "127.0.0.1:2181"), ("[::1]:2181", "[::1]:2181"), ("[fe80::1%eth0]", "[fe80::1%eth0]:7"),
            ("zk1", "zk1:7"), ("zk_1.plant-2:0", "zk_1.plant-2:0"), ("zk1:65535", "zk1:65535"), (":2181", nil),
            ("a:", nil), ("a:b", nil), ("a:70000", nil), ("a:-1", nil), ("::1:2181", nil), ("a b:1", nil), ("", nil),
            ("[::1", nil), ("[::1]2181", nil), ("[a]:1", nil), ("a/b:1", nil), ("é:1", nil), ("a:1:2", nil),
        ] as [(String, String?)])
    func reading(text: String, expected: String?) {
        #expect(HostAndPort(text, defaultPort: 7)?.description == expected)
    }

    @Test("Without a default port the port must be there") func defaultPort() {
        #expect(HostAndPort("zk1") == nil)
        #expect(HostAndPort("[::1]") == nil)
        #expect(HostAndPort("zk1:1") == HostAndPort(host: "zk1", port: 1))
    }

    @Test("What is written is read again", arguments: [("zk1", 1), ("10.0.0.1", 65_535), ("::", 0)])
    func roundTrip(host: String, port: Int) {
        let address = HostAndPort(host: host, port: port)
        #expect(HostAndPort(address.description) == address)
    }

    @Test("Who can reach it") func reach() throws {
        #expect(
            ["localhost", "127.0.0.1", "127.1.2.3", "::1"].allSatisfy { HostAndPort(host: $0, port: 1).isLoopback })
        #expect(["0.0.0.0", "::"].allSatisfy { HostAndPort(host: $0, port: 1).isWildcard })
        let other = HostAndPort(host: "10.0.0.1", port: 1)
        #expect(!other.isLoopback && !other.isWildcard && !other.isIPv6)
    }
}
