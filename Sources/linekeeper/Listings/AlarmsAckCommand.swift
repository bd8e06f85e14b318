import ArgumentParser
import Foundation
import Gateway
import Plant
import ZooKeeperClient
import ZooKeeperProtocol

struct AlarmsAckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ack",
        abstract: "Acknowledge an alarm: say that somebody has seen it and sees to it.",
        discussion: """
            The request goes to the active alarm processor, which records it with your name in the journal. With \
            --event, only that occurrence is acknowledged: should the alarm have come back meanwhile, the answer is no.

            Examples:

              linekeeper alarms ack factory/line1/press1/temperature overtemperature
              linekeeper alarms ack factory/line1/press1/temperature overtemperature --by ann --comment "fan cleaned"

            Exit status 1 when there is no such alarm or nothing to acknowledge.
            """)

    /// How long the active alarm processor may take to answer.
    static let patience = Duration.seconds(5)

    @OptionGroup var tree: TreeOptions

    @Argument(help: "The tag, as the listing shows it.")
    var tag: String

    @Argument(help: "The alarm's name.")
    var alarm: String

    @Option(name: .long, help: ArgumentHelp("Only this occurrence (eventId in --json).", valueName: "id"))
    var event: String?

    @Option(name: .long, help: ArgumentHelp("Who acknowledges. Default: you.", valueName: "name"))
    var by: String = Person.current

    @Option(name: .long, help: ArgumentHelp("What to remember about it.", valueName: "text"))
    var comment: String?

    func run() async throws {
        let request = AlarmRequest(
            action: .acknowledge, tag: tag, alarm: alarm, eventID: event, by: by, comment: comment, at: WallClock.now())
        let path = TreeLayout.alarmRequests + "/" + UUID().uuidString.lowercased()
        let answer = try await tree.withTree { client -> AlarmRequest? in
            // Watched before it is made, so that the quickest answer is not missed.
            let (_, watch) = try await client.existsAndWatch(path)
            do {
                _ = try await client.create(path, data: request.serialized())
            } catch let error as ZooKeeperError where error.code == .noNode {
                throw CommandFailure(.no, "no gateway has ever run on this tree; start one (linekeeper run)")
            }
            return try await Self.answer(at: path, created: watch, client)
        }
        guard let answer else {
            throw CommandFailure(
                .no,
                "nobody processes alarms at the moment: no answer within \(HumanText.span(Self.patience.milliseconds)); is a gateway running? (linekeeper status)"
            )
        }
        switch answer.result {
        case .done: Terminal.line("acknowledged \(printable(alarm)) on \(printable(tag))")
        case .refused, nil: throw CommandFailure(.no, "not acknowledged: \(printable(answer.reason ?? "refused"))")
        }
    }

    /// The request as answered; nil when nobody answered in time, and then it is withdrawn.
    private static func answer(at path: String, created: Watch, _ client: ZooKeeperClient) async throws -> AlarmRequest?
    {
        let deadline = ContinuousClock.now + patience
        var watch = created
        while true {
            let armed = watch
            try await Deadline.wait(until: deadline) { _ = try await armed.next() }
            do {
                let (node, next) = try await client.getDataAndWatch(path)
                if let request = AlarmRequest(data: node.data ?? []), request.result != nil {
                    _ = try? await client.delete(path)
                    return request
                }
                if ContinuousClock.now >= deadline {
                    // Not yet answered: nobody must act on it later, when the person has long gone. The version tells
                    // whether an answer has come in between.
                    do {
                        try await client.delete(path, version: node.stat.version)
                        return nil
                    } catch let error as ZooKeeperError where error.code == .badVersion {
                        continue
                    }
                }
                watch = next
            } catch let error as ZooKeeperError where error.code == .noNode {
                return nil
            }
        }
    }
}

/// Who is at the terminal.
enum Person {
    static var current: String {
        let process = ProcessInfo.processInfo
        if let person = process.environment["SUDO_USER"], !person.isEmpty { return person }
        return process.userName.isEmpty ? "unknown" : process.userName
    }
}

/// Waits with a limit.
enum Deadline {
    /// Returns when `work` is done or the deadline has passed, whichever is first.
    static func wait(
        until deadline: ContinuousClock.Instant, _ work: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask(operation: work)
            group.addTask { try? await Task.sleep(until: deadline, clock: .continuous) }
            try await group.next()
            group.cancelAll()
        }
    }
}
