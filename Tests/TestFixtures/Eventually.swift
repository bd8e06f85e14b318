/// A condition that did not come true before its deadline.
public struct ConditionNotMet: Error, CustomStringConvertible {
    public var description: String
}

/// Waits until `condition` is true; throws ``ConditionNotMet`` when it is not within `deadline`.
///
/// Tests wait for conditions with a deadline, never for time. `seen` is evaluated when the wait fails, so that the
/// failed test prints what it saw instead of only that it waited.
public func eventually(
    _ what: String = "the condition", within deadline: Duration = .seconds(60),
    every interval: Duration = .milliseconds(10), seen: () async -> String = { "" },
    sourceLocation: (file: String, line: Int) = (#fileID, #line),
    condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + deadline
    while true {
        if try await condition() { return }
        if ContinuousClock.now >= end { break }
        try await Task.sleep(for: interval)
    }
    let saw = await seen()
    throw ConditionNotMet(
        description: "\(what) did not come true within \(deadline) (\(sourceLocation.file):\(sourceLocation.line))"
            + (saw.isEmpty ? "" : "; saw: \(saw)"))
}

/// Waits until `value` gives something; throws ``ConditionNotMet`` when it does not within `deadline`.
public func eventuallyValue<Value>(
    _ what: String = "a value", within deadline: Duration = .seconds(60),
    every interval: Duration = .milliseconds(10), seen: () async -> String = { "" },
    sourceLocation: (file: String, line: Int) = (#fileID, #line),
    value: () async throws -> Value?
) async throws -> Value {
    var found: Value?
    try await eventually(
        what, within: deadline, every: interval, seen: seen, sourceLocation: sourceLocation
    ) {
        found = try await value()
        return found != nil
    }
    guard let found else { throw ConditionNotMet(description: "\(what): none") }
    return found
}
