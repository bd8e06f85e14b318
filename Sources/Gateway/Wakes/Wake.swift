/// A coalescing wake-up: any number of `wake()` calls between two turns of the one waiting loop cost one turn.
package struct Wake: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    package init() {
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Makes the loop turn once more. Callable from any thread; never blocks.
    package func wake() { continuation.yield() }

    /// The turns. One consumer only; ends when its task is cancelled.
    package var turns: AsyncStream<Void> { stream }
}
