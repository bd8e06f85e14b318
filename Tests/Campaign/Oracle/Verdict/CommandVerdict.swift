/// A command that the campaign asked for, what its device did, and how it ended.
package struct CommandCase: Sendable {
    package let id: String
    package let isAtMostOnce: Bool
    /// Whether the device answers that it was done.
    package let deviceSucceeds: Bool
    /// How often the device got it.
    package var executions = 0
    /// As the tree has it; nil: no record.
    package var state: String?

    package init(id: String, isAtMostOnce: Bool, deviceSucceeds: Bool) {
        self.id = id
        self.isAtMostOnce = isAtMostOnce
        self.deviceSucceeds = deviceSucceeds
    }
}

/// What must hold of commands, whatever the fault: at-most-once is never twice, nothing is falsely a success, all end.
package struct CommandVerdict: Sendable {
    package private(set) var violations: [String] = []
    /// Not ended (yet), or without a record.
    package private(set) var open: [String] = []
    /// By state in which they ended.
    package private(set) var states: [String: Int] = [:]
    package private(set) var repeated = 0

    private static let final: Set = [
        "SUCCEEDED", "PUBLISHED", "FAILED", "REJECTED", "EXPIRED", "TIMED_OUT", "UNKNOWN", "CANCELLED", "SUPERSEDED",
    ]

    package init(_ cases: [CommandCase]) {
        for command in cases {
            let state = command.state ?? "none"
            states[state, default: 0] += 1
            if command.executions > 1 {
                repeated += 1
                if command.isAtMostOnce {
                    violations.append("\(command.id) is at most once and was executed \(command.executions) times")
                }
            }
            guard Self.final.contains(state) else {
                open.append("\(command.id) \(state)")
                continue
            }
            if state == "SUCCEEDED" {
                if command.executions == 0 { violations.append("\(command.id) SUCCEEDED and was never executed") }
                if !command.deviceSucceeds { violations.append("\(command.id) SUCCEEDED though the device said no") }
            }
            if state == "FAILED", command.deviceSucceeds, command.executions > 0 {
                violations.append("\(command.id) FAILED though the device did it")
            }
            if ["REJECTED", "EXPIRED", "CANCELLED"].contains(state), command.executions > 0 {
                violations.append("\(command.id) \(state) though the device got it")
            }
        }
    }
}
