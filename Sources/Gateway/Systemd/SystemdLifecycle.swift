package import Logging
import ServiceLifecycle

/// Says to systemd that the gateway is ready, that it is alive, and that it stops; does nothing without systemd.
///
/// Signs of life stop when ``isHealthy`` says no, so that systemd restarts a process that still runs but does not work.
package struct SystemdLifecycle: Service {
    private let notifier: SystemdNotifier?
    private let becomeReady: @Sendable () async throws -> Void
    private let isHealthy: @Sendable () -> Bool
    private let clock: GatewayClock
    private let logger: Logger

    /// - Parameters:
    ///   - becomeReady: returns once the gateway does its work.
    ///   - isHealthy: asked before each sign of life.
    package init(
        notifier: SystemdNotifier?, clock: GatewayClock, logger: Logger,
        isHealthy: @escaping @Sendable () -> Bool = { true }, becomeReady: @escaping @Sendable () async throws -> Void
    ) {
        self.notifier = notifier
        self.clock = clock
        self.logger = logger
        self.isHealthy = isHealthy
        self.becomeReady = becomeReady
    }

    package func run() async throws {
        guard let notifier else {
            try? await gracefulShutdown()
            return
        }
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    do {
                        try await becomeReady()
                        tell(notifier, .ready)
                    } catch {
                        // Cancelled before it was ready, or somebody else's failure: not ours to report.
                    }
                }
                // From the start on: recovery may take longer than the watchdog waits.
                if let interval = notifier.watchdogInterval {
                    group.addTask {
                        while !Task.isCancelled {
                            if isHealthy() { tell(notifier, .watchdog) }
                            try? await clock.sleep(interval)
                        }
                    }
                } else {
                    group.addTask { try? await gracefulShutdown() }
                }
                await group.waitForAll()
            }
        }
        tell(notifier, .stopping)
    }

    private func tell(_ notifier: SystemdNotifier, _ message: SystemdNotifier.Message) {
        do { try notifier.notify(message) } catch {
            logger.warning("systemd was not told", metadata: ["message": "\(message.text)", "error": "\(error)"])
        }
    }
}
