import ZooKeeperClient

/// How much somebody who has a lot to read asks for at a time.
///
/// The client bounds what is under way for everybody who uses it, by a number that its owner chooses. So this is what is
/// asked for at first, and less where that is refused.
struct ReadWindow {
    private var size = 256
    private var attempt = Attempt(.service)

    /// Has `read` called with all elements, part by part, in their order. A part of which the client refuses something is
    /// read again in smaller ones.
    mutating func inParts<Element>(
        _ all: [Element], _ read: (ArraySlice<Element>) async throws -> Void
    ) async throws {
        var rest = all[...]
        while !rest.isEmpty {
            let part = rest.prefix(size)
            do {
                try await read(part)
            } catch let error as ZooKeeperError where error.code == .tooManyRequests {
                size = max(1, size / 2)
                // What was not refused is still under way, and others may be at work.
                try await attempt.failed(error)
                continue
            }
            attempt = Attempt(.service)
            rest = rest.dropFirst(part.count)
        }
    }
}
