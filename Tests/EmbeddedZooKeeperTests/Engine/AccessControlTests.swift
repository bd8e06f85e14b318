import NIOCore
import Testing
import ZooKeeperProtocol

@testable import EmbeddedZooKeeper

@Suite struct AccessControlTests {
    @Test func knownHashes() {
        #expect(Identity.digest(ofUserAndPassword: Array("super:test".utf8)).id == "super:D/InIHSb7yEEbrWz8b9l71RjZJU=")
        let hex = { (bytes: [UInt8]) in bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() }
        #expect(hex(SHA1.hash([])) == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
        #expect(hex(SHA1.hash(Array("abc".utf8))) == "a9993e364706816aba3e25717850c26c9cd0d89d")
        let long = [UInt8](repeating: UInt8(ascii: "a"), count: 1000)
        #expect(hex(SHA1.hash(long)) == "291e9a6c66994949b57ba5e650361e98fc36b1ba")
        // RFC 2202, case 2.
        let code = SHA1.authenticationCode(key: Array("Jefe".utf8), message: Array("what do ya want for nothing?".utf8))
        #expect(hex(code) == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
        let check = Array("123456789".utf8).withUnsafeBytes { Checksum.crc32c($0) }
        #expect(check == 0xE306_9283)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.1.2.3", "10.1.2.3", true),
        ("10.1.2.3", "10.1.2.4", false), ("0.0.0.0/0", "8.8.8.8", true), ("fe80::/10", "fe80::1", true),
        ("fe80::/10", "::1", false), ("::1", "::1", true), ("127.0.0.1", "::ffff:127.0.0.1", true),
        ("10.1.2.0/23", "10.1.3.9", true), ("10.1.2.0/23", "10.1.4.0", false),
    ])
    func addressRanges(_ range: String, _ address: String, _ contained: Bool) {
        #expect(AddressRange(range)?.contains(address) == contained)
    }

    @Test(arguments: ["", "x", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "::1/129", "1.2.3.4/", "/8"])
    func notAddressRanges(_ text: String) {
        #expect(AddressRange(text) == nil)
    }

    @Test func schemes() throws {
        let harness = try EngineHarness()
        let near = try harness.connected(address: "10.0.0.7")
        let far = try harness.connected(address: "192.168.0.1")
        try near.create("/ip", acl: [ACL(permissions: .all, scheme: "ip", id: "10.0.0.0/24")])
        #expect(try near.get("/ip").data == [])
        #expect(throws: ErrorCode.noAuth) { try far.get("/ip") }
        #expect(throws: ErrorCode.invalidACL) { try near.create("/x", acl: ACL.creatorAll) }
        try near.authenticate("u:p")
        try near.authenticate("v:p")
        try near.create("/auth", acl: ACL.creatorAll + ACL.creatorAll)
        let acl = try near.call(.getACL, PathRequest(path: "/auth"), as: GetACLResponse.self).acl
        #expect(acl.map(\.id) == ["u:p", "v:p"].map { Identity.digest(ofUserAndPassword: Array($0.utf8)).id })
        #expect(throws: ErrorCode.noAuth) { try far.call(.getACL, PathRequest(path: "/auth")) }
        try far.authenticate("v:p")
        #expect(try far.get("/auth").data == [])
        for bad in [("world", "everyone"), ("digest", "nocolon"), ("digest", "a:b:c"), ("ip", "nope"), ("x", "y")] {
            let entry = ACL(permissions: .all, scheme: bad.0, id: bad.1)
            #expect(throws: ErrorCode.invalidACL, "\(bad)") { try near.create("/y", acl: [entry]) }
        }
    }

    @Test func digestsAreMaskedForThoseWithoutAdmin() throws {
        let harness = try EngineHarness()
        let (owner, guest) = (try harness.connected(), try harness.connected())
        try owner.authenticate("u:p")
        try owner.create("/a", acl: ACL.creatorAll + ACL.worldRead)
        let acl = try guest.call(.getACL, PathRequest(path: "/a"), as: GetACLResponse.self).acl
        #expect(acl.map(\.id) == ["u:x", "anyone"])
    }

    /// getACL needs READ or ADMIN; ADMIN sees everything, READ does not see hashes.
    @Test func whoMaySeeAnAccessList() throws {
        let harness = try EngineHarness()
        let (owner, guest) = (try harness.connected(), try harness.connected())
        try owner.authenticate("u:p")
        let own = ACL(permissions: .all, scheme: "digest", id: Identity.digest(ofUserAndPassword: Array("u:p".utf8)).id)
        func anyone(_ permissions: ACL.Permissions) -> [ACL] {
            [own, ACL(permissions: permissions, scheme: "world", id: "anyone")]
        }
        try owner.create("/write", acl: anyone([.write, .create, .delete]))
        #expect(throws: ErrorCode.noAuth) { try guest.call(.getACL, PathRequest(path: "/write")) }
        try owner.create("/admin", acl: anyone(.admin))
        let seen = try guest.call(.getACL, PathRequest(path: "/admin"), as: GetACLResponse.self).acl
        #expect(seen == anyone(.admin))
        #expect(throws: ErrorCode.noAuth) { try guest.get("/admin") }
        #expect(throws: ErrorCode.noNode) { try guest.call(.getACL, PathRequest(path: "/none")) }
    }

    @Test func eachPermissionAllowsItsOwn() throws {
        let harness = try EngineHarness()
        let (owner, guest) = (try harness.connected(), try harness.connected())
        try owner.authenticate("u:p")
        let needs: [(ACL.Permissions, (EngineClient, String) throws -> Void)] = [
            (.read, { _ = try $0.get($1) }), (.read, { _ = try $0.children($1) }), (.read, { _ = try $0.stat($1) }),
            (.write, { try $0.set($1, [1]) }), (.create, { try $0.create($1 + "/new") }),
            (.delete, { try $0.delete($1 + "/child") }),
            (.admin, { try $0.call(.setACL, SetACLRequest(path: $1, acl: ACL.worldAll, version: -1)) }),
        ]
        for (index, need) in needs.enumerated() {
            for (name, permissions, allowed) in [
                ("only", need.0, true), ("others", ACL.Permissions.all.subtracting(need.0), false),
            ] {
                let path = "/\(name)\(index)"
                try owner.create(path, acl: ACL.worldAll)
                try owner.create(path + "/child")
                let acl = [ACL(permissions: permissions, scheme: "world", id: "anyone")]
                try owner.call(.setACL, SetACLRequest(path: path, acl: acl, version: -1))
                if allowed {
                    try need.1(guest, path)
                } else {
                    #expect(throws: ErrorCode.noAuth, "\(index)") { try need.1(guest, path) }
                }
            }
        }
    }

    /// 200 identities times six entries would be 1,200 in the log for each node.
    @Test func whatAuthStandsForIsBounded() throws {
        let client = try EngineHarness().connected()
        for number in 0..<200 { try client.authenticate("user\(number):secret") }
        func entries(_ count: Int32) -> [ACL] {
            (1...count).map { ACL(permissions: ACL.Permissions(rawValue: $0), scheme: "auth", id: "") }
        }
        try client.create("/few", acl: entries(2))
        #expect(throws: ErrorCode.invalidACL) { try client.create("/many", acl: entries(6)) }
    }

    @Test func anEmptyListIsInvalid() throws {
        let client = try EngineHarness().connected()
        #expect(throws: ErrorCode.invalidACL) { try client.create("/x", acl: []) }
        try client.create("/x")
        #expect(throws: ErrorCode.invalidACL) {
            try client.call(.setACL, SetACLRequest(path: "/x", acl: [], version: -1))
        }
    }

    @Test func superuserMayDoEverything() throws {
        var settings = Engine.Settings()
        settings.superDigest = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="
        let harness = try EngineHarness(settings: settings)
        let (owner, root) = (try harness.connected(), try harness.connected())
        try owner.authenticate("u:p")
        try owner.create("/a", acl: ACL.creatorAll)
        #expect(throws: ErrorCode.noAuth) { try root.set("/a", []) }
        try root.authenticate("super:test")
        try root.set("/a", [1])
        #expect(throws: ErrorCode.badArguments) {
            try root.call(
                .reconfig,
                ReconfigRequest(joiningServers: nil, leavingServers: nil, newMembers: nil, currentConfigID: -1))
        }
        #expect(throws: ErrorCode.reconfigDisabled) {
            try root.call(
                .reconfig,
                ReconfigRequest(
                    joiningServers: "server.2=h:1:2", leavingServers: nil, newMembers: nil, currentConfigID: -1)
            )
        }
    }

    @Test func unknownSchemeIsRefusedAndTheConnectionClosed() throws {
        let client = try EngineHarness().connected()
        #expect(throws: ErrorCode.authFailed) {
            try client.call(.auth, AuthPacket(scheme: "nonsense", auth: []), xid: ReservedXid.auth)
        }
        #expect(client.client.phase == .closing)
    }

    @Test func configIsReadOnlyForEverybody() throws {
        let client = try EngineHarness().connected()
        #expect(try client.get("/zookeeper/config").data == [])
        #expect(throws: ErrorCode.noAuth) { try client.set("/zookeeper/config", []) }
    }
}
