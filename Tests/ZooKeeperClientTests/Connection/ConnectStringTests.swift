import Testing
import ZooKeeperClient

@Suite("Connect string")
struct ConnectStringTests {
    @Test(arguments: [
        ("zk1", [ServerAddress(host: "zk1", port: 2181)], "/"),
        ("zk1:2182,zk2:2183", [ServerAddress(host: "zk1", port: 2182), ServerAddress(host: "zk2", port: 2183)], "/"),
        ("zk1:2182/linekeeper/bottling", [ServerAddress(host: "zk1", port: 2182)], "/linekeeper/bottling"),
        ("zk1:2182/", [ServerAddress(host: "zk1", port: 2182)], "/"),
        (
            "[::1]:2182,[fe80::1]",
            [ServerAddress(host: "::1", port: 2182), ServerAddress(host: "fe80::1", port: 2181)], "/"
        ),
        (" zk1:1 , zk2:2 ", [ServerAddress(host: "zk1", port: 1), ServerAddress(host: "zk2", port: 2)], "/"),
        ("zk1:1,,zk2:2,", [ServerAddress(host: "zk1", port: 1), ServerAddress(host: "zk2", port: 2)], "/"),
    ])
    func reads(_ text: String, _ servers: [ServerAddress], _ chroot: String) throws {
        let parsed = try ConnectString(text)
        #expect(parsed.servers == servers)
        #expect(parsed.chroot == chroot)
    }

    @Test(arguments: [
        "", ",", "/chroot", "zk1:", "zk1:0", "zk1:65536", "zk1:x", "zk1:1:2", ":2181", "[::1", "[::1]2181", "zk1/a//b",
        "zk1/a/",
        "zk1/..", "zk 1:2181",
    ])
    func refuses(_ text: String) {
        #expect(throws: ConnectString.Invalid.self) { try ConnectString(text) }
    }

    @Test func printsWhatItRead() throws {
        #expect(try ConnectString("a,[::1]:7/x/y").description == "a:2181,[::1]:7/x/y")
    }
}
