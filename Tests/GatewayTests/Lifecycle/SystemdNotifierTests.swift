import Glibc
import Logging
import ServiceLifecycle
import Testing

@testable import Gateway

@Suite("systemd notification")
struct SystemdNotifierTests {
    @Test("messages are assignments, one a line")
    func messages() {
        #expect(SystemdNotifier.Message.ready.text == "READY=1")
        #expect(SystemdNotifier.Message.stopping.text == "STOPPING=1")
        #expect(SystemdNotifier.Message.watchdog.text == "WATCHDOG=1")
        #expect(SystemdNotifier.Message.status("all\nwell").text == "STATUS=all well")
    }

    @Test("without a socket there is nobody to tell")
    func absent() {
        #expect(SystemdNotifier(environment: [:], processID: 1) == nil)
        #expect(SystemdNotifier(environment: ["NOTIFY_SOCKET": ""], processID: 1) == nil)
        #expect(SystemdNotifier(environment: ["NOTIFY_SOCKET": "relative"], processID: 1) == nil)
        #expect(SystemdNotifier(environment: ["NOTIFY_SOCKET": "@"], processID: 1) == nil)
    }

    @Test("the watchdog is asked twice in its time, and only for this process")
    func watchdog() {
        let socket = ["NOTIFY_SOCKET": "/run/x"]
        func interval(_ variables: [String: String]) -> Duration? {
            SystemdNotifier(environment: socket.merging(variables) { $1 }, processID: 42)?.watchdogInterval
        }
        #expect(interval([:]) == nil)
        #expect(interval(["WATCHDOG_USEC": "30000000"]) == .seconds(15))
        #expect(interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"]) == .seconds(15))
        #expect(interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "43"]) == nil)
        #expect(interval(["WATCHDOG_USEC": "soon"]) == nil)
        #expect(interval(["WATCHDOG_USEC": "0"]) == nil)
    }

    @Test(
        "a datagram arrives on a path and on an abstract name",
        arguments: ["/tmp/linekeeper-notify-", "@linekeeper-notify-"])
    func delivery(prefix: String) async throws {
        let receiver = try NotifySocket(prefix + "\(UInt32.random(in: 0...UInt32.max))")
        let notifier = try #require(SystemdNotifier(environment: ["NOTIFY_SOCKET": receiver.name], processID: 1))
        try notifier.notify(.ready, .status("at work"))
        #expect(await receiver.receive() == "READY=1\nSTATUS=at work")
    }

    @Test("nobody listening, or a name that is too long, is an error with the socket's name")
    func failures() throws {
        for name in [
            "/tmp/linekeeper-nobody-\(UInt32.random(in: 0...UInt32.max))", "/" + String(repeating: "x", count: 200),
        ] {
            let notifier = try #require(SystemdNotifier(environment: ["NOTIFY_SOCKET": name], processID: 1))
            #expect { try notifier.notify(.ready) } throws: { "\($0)".contains(name) }
        }
    }

    @Test("a service says ready, alive and stopping", .timeLimit(.minutes(1)))
    func lifecycle() async throws {
        let receiver = try NotifySocket("@linekeeper-life-\(UInt32.random(in: 0...UInt32.max))")
        let notifier = SystemdNotifier(
            environment: ["NOTIFY_SOCKET": receiver.name, "WATCHDOG_USEC": "40000"], processID: 1)
        let service = SystemdLifecycle(notifier: notifier, logger: Logger(label: "test")) {}
        let running = Task { try await service.run() }
        var heard: Set<String> = []
        while !heard.isSuperset(of: ["READY=1", "WATCHDOG=1"]) { heard.insert(await receiver.receive()) }
        running.cancel()
        _ = await running.result
        while !heard.contains("STOPPING=1") { heard.insert(await receiver.receive()) }
        #expect(heard == ["READY=1", "WATCHDOG=1", "STOPPING=1"])
    }

    @Test("an unhealthy gateway gives no sign of life", .timeLimit(.minutes(1)))
    func unhealthy() async throws {
        let receiver = try NotifySocket("@linekeeper-ill-\(UInt32.random(in: 0...UInt32.max))")
        let notifier = SystemdNotifier(
            environment: ["NOTIFY_SOCKET": receiver.name, "WATCHDOG_USEC": "4000"], processID: 1)
        let service = SystemdLifecycle(notifier: notifier, logger: Logger(label: "test"), isHealthy: { false }) {}
        let running = Task { try await service.run() }
        #expect(await receiver.receive() == "READY=1")
        running.cancel()
        _ = await running.result
        #expect(await receiver.receive() == "STOPPING=1")
    }
}

/// The receiving end, as systemd has it.
private final class NotifySocket: Sendable {
    let name: String
    private let descriptor: Int32

    init(_ name: String) throws {
        self.name = name
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        let (address, length) = try #require(SystemdNotifier.address(of: name))
        let descriptor = descriptor
        let bound = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        try #require(bound == 0)
    }

    deinit {
        close(descriptor)
        if name.hasPrefix("/") { unlink(name) }
    }

    /// One datagram; empty when none comes within five seconds.
    func receive() async -> String {
        let end = ContinuousClock.now + .seconds(5)
        var bytes = [UInt8](repeating: 0, count: 4096)
        while ContinuousClock.now < end {
            // Never blocks: the tasks under test run on the same few threads.
            let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            if count >= 0 { return String(decoding: bytes.prefix(count), as: UTF8.self) }
            try? await Task.sleep(for: .milliseconds(2))
        }
        return ""
    }
}
