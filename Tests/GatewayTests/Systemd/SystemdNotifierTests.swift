import Glibc
import Logging
import ServiceLifecycle
import Synchronization
import TestFixtures
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
    func delivery(prefix: String) throws {
        let receiver = try NotifySocket(prefix + "\(UInt32.random(in: 0...UInt32.max))")
        let notifier = try #require(SystemdNotifier(environment: ["NOTIFY_SOCKET": receiver.name], processID: 1))
        try notifier.notify(.ready, .status("at work"))
        #expect(receiver.received() == ["READY=1\nSTATUS=at work"])
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

    /// A service that systemd watches, on a clock that stands still: at the start, ready, and with its first sign of life.
    private func with(
        isHealthy: @escaping @Sendable () -> Bool, _ body: (NotifySocket, FakeClock) async throws -> Void
    ) async throws {
        let receiver = try NotifySocket("@linekeeper-life-\(UInt32.random(in: 0...UInt32.max))")
        let fake = FakeClock()
        let service = SystemdLifecycle(
            notifier: SystemdNotifier(
                environment: ["NOTIFY_SOCKET": receiver.name, "WATCHDOG_USEC": "30000000"], processID: 1),
            clock: GatewayClock(fake), logger: Logger(label: "test"), isHealthy: isHealthy, becomeReady: {})
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            var heard: Set<String> = []
            try await eventually("the start", seen: { "\(heard)" }) {
                heard.formUnion(receiver.received())
                return heard.contains("READY=1") && fake.sleeperCount == 1
            }
            heard.formUnion(receiver.received())
            #expect(heard == (isHealthy() ? ["READY=1", "WATCHDOG=1"] : ["READY=1"]))
            try await body(receiver, fake)
            group.cancelAll()
            try await group.waitForAll()
        }
        #expect(receiver.received() == ["STOPPING=1"])
    }

    /// Returns when the service has done what is due after that time.
    private func pass(_ time: Duration, of fake: FakeClock) async throws {
        fake.advance(by: time)
        try await eventually("the next sign of life is due") { fake.sleeperCount == 1 }
    }

    @Test("a service says that it is ready, that it is alive twice in the watchdog's time, and that it stops")
    func lifecycle() async throws {
        try await with(isHealthy: { true }) { receiver, fake in
            for _ in 1...3 {
                fake.advance(by: .milliseconds(14_999))
                #expect(fake.sleeperCount == 1 && receiver.received().isEmpty)
                try await pass(.milliseconds(1), of: fake)
                #expect(receiver.received() == ["WATCHDOG=1"])
            }
        }
    }

    @Test("an unhealthy gateway gives no sign of life until it is healthy again")
    func unhealthy() async throws {
        let isHealthy = Health()
        try await with(isHealthy: { isHealthy.value }) { receiver, fake in
            try await pass(.seconds(15), of: fake)
            #expect(receiver.received().isEmpty)
            isHealthy.set(true)
            try await pass(.seconds(15), of: fake)
            #expect(receiver.received() == ["WATCHDOG=1"])
        }
    }
}

private final class Health: Sendable {
    private let state = Mutex(false)
    var value: Bool { state.withLock { $0 } }
    func set(_ value: Bool) { state.withLock { $0 = value } }
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

    /// The datagrams that have come since the last call.
    func received() -> [String] {
        var texts: [String] = []
        var bytes = [UInt8](repeating: 0, count: 4096)
        // Never blocks: the tasks under test run on the same few threads.
        while case let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT)), count >= 0 {
            texts.append(String(decoding: bytes.prefix(count), as: UTF8.self))
        }
        return texts
    }
}
