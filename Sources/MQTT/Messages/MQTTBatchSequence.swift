/// The incoming messages of a client, a batch at a time. For one consumer.
///
/// It ends when the client's `run()` has ended, or when the consuming task is cancelled.
public struct MQTTBatchSequence: AsyncSequence, Sendable {
    public typealias Element = MQTTMessageBatch
    public typealias Failure = Never

    let inbox: Inbox
    let outbox: Outbox
    let acknowledgement: MQTTClient.Acknowledgement

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(inbox: inbox, outbox: outbox, acknowledgement: acknowledgement)
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        let inbox: Inbox
        let outbox: Outbox
        let acknowledgement: MQTTClient.Acknowledgement
        private var last: UInt64?

        init(inbox: Inbox, outbox: Outbox, acknowledgement: MQTTClient.Acknowledgement) {
            self.inbox = inbox
            self.outbox = outbox
            self.acknowledgement = acknowledgement
        }

        /// The next batch; waits for it. Returns at once, without a hop, when messages are there already.
        public mutating func next(isolation actor: isolated (any Actor)?) async -> MQTTMessageBatch? {
            if acknowledgement == .whenNextBatchIsRequested, let last { outbox.acknowledge(through: last) }
            let batch = await inbox.next(isolation: actor)
            last = batch?.number
            return batch
        }

        public mutating func next() async -> MQTTMessageBatch? { await next(isolation: nil) }
    }
}
