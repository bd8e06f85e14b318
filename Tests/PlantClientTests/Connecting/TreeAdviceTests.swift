import Testing
import ZooKeeperClient

@testable import PlantClient

@Suite("What to do about a tree that cannot be used")
struct TreeAdviceTests {
    @Test(
        arguments: [
            (.unreachable, true, "is a tree server running there?"), (.unreachable, false, "tree.ensemble"),
            (.tls, true, "look at tree.tls"), (.tls, false, "name a configuration with tree.tls"),
            (.authentication, true, "look at tree.username and tree.passwordFile"),
            (.authentication, false, "look at tree.username and tree.passwordFile"),
            (
                .refused, true,
                "no quorum, or has as many connections of this machine already as it takes (maxClientCnxns)"
            ),
            (.refused, false, "or speaks TLS there: then name a configuration with tree.tls"),
            (.lost, true, nil), (.lost, false, "where it speaks TLS"), (.protocolViolation, true, nil),
            (.protocolViolation, false, "where it speaks TLS"), (.silent, true, "is it overloaded"),
            (.sessionExpired, true, nil),
        ] as [(ConnectionFailure.Kind, Bool, String?)])
    func advice(kind: ConnectionFailure.Kind, hasTLS: Bool, expected: String?) {
        let failure = ConnectionFailure(kind: kind, server: ServerAddress(host: "zk1"), message: "what it said")
        let text = TreeAdvice.text(failure, hasTLS: hasTLS)
        #expect(text.hasPrefix("zk1:2181: what it said"))
        if let expected {
            #expect(text.contains("; ") && text.contains(expected))
        } else {
            #expect(!text.contains(";"))
        }
        if hasTLS { #expect(!text.contains("speaks TLS")) }
    }
}
