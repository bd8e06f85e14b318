import Testing
import ZooKeeperProtocol

@Suite struct ZooKeeperPathTests {
    @Test(arguments: [
        "/", "/a", "/a/b", "/...", "/.a", "/a.", "/..a", "/ä", "/日本", "/a b", "/\u{A0}", "/\u{D7FF}", "/\u{F900}",
        "/\u{FFEF}", "/zookeeper", "/@x", "/%2F",
    ])
    func legal(_ path: String) {
        #expect(throws: Never.self) { try ZooKeeperPath.validate(path) }
    }

    @Test(arguments: [
        "", "a", "a/b", "/a/", "//", "/a//b", "/.", "/..", "/a/.", "/a/..", "/./a", "/../a", "/a/./b", "/a/../b",
        "/\u{0}", "/a\u{1}", "/\u{1F}", "/\u{7F}", "/\u{80}", "/\u{9F}", "/\u{E000}", "/\u{F8FF}", "/\u{FFF0}",
        "/\u{FFFD}", "/\u{1F600}",
    ])
    func illegal(_ path: String) {
        #expect(throws: ZooKeeperPath.Invalid.self, "\(path.debugDescription)") { try ZooKeeperPath.validate(path) }
    }

    @Test func sequentialIsCheckedWithItsSuffix() {
        for path in ["/a/", "/", "/.", "/a/.."] { #expect(ZooKeeperPath.isValid(path, sequential: true), "\(path)") }
        for path in ["", "a", "//", "/./", "/a//"] {
            #expect(!ZooKeeperPath.isValid(path, sequential: true), "\(path)")
        }
    }

    @Test func parts() {
        #expect(ZooKeeperPath.parent(of: "/") == nil)
        #expect(ZooKeeperPath.parent(of: "/a") == "/")
        #expect(ZooKeeperPath.parent(of: "/a/b/c") == "/a/b")
        #expect(ZooKeeperPath.name(of: "/") == "")
        #expect(ZooKeeperPath.name(of: "/a/b") == "b")
        #expect(ZooKeeperPath.child("x", of: "/") == "/x")
        #expect(ZooKeeperPath.child("x", of: "/a") == "/a/x")
    }
}
