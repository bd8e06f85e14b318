import CampaignOracle
import Foundation
import Synchronization
import TestFixtures

/// One topic's sensor: publishes one value after the other, each again and again with the same bytes until the broker has
/// acknowledged it, so that what was published, and in which order, is certain.
final class Sensor: Sendable {
    /// A value on its way, or there.
    struct Published: Sendable {
        let value: Double
        let time: Int64
        /// False when its time is the same as that of others, so that their order is nobody's knowledge.
        let isClockRunning: Bool
        var acknowledgedAt: Int64?
    }

    private struct Request: Sendable {
        let values: [Double]
        let number: Int
    }

    private struct State {
        var published: [Published] = []
        var waiting = 0
        var requested = 0
        /// Who waits until a request is done. Whoever still waits at the end is let go.
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var hasEnded = false
        var clock = Clock()
        /// Of `published`: what is kept until it may be sent.
        var kept: [Int]?
    }

    /// The sensor's own clock.
    private struct Clock {
        /// How far it is ahead.
        var offset: Int64 = 0
        var standsAt: Int64?
        /// The last time that it has shown since it was set.
        var last: Int64?

        /// Strictly increasing while it runs, whatever its resolution.
        mutating func now() -> Int64 {
            if let standsAt { return standsAt }
            let time = max((last ?? .min + 1) + 1, WallTime.now() + offset)
            last = time
            return time
        }
    }

    /// Between two attempts to publish the same bytes.
    private static let retryPause = Duration.milliseconds(20)

    let script: SensorScript
    private let state = Mutex(State())
    private let requests: AsyncStream<Request>
    private let asked: AsyncStream<Request>.Continuation

    var topic: String { script.topic }

    init(_ script: SensorScript) {
        self.script = script
        (requests, asked) = AsyncStream.makeStream(of: Request.self)
    }

    /// Publishes what it is asked for until cancelled.
    func run(_ link: BrokerLink) async {
        for await request in requests {
            // Nothing to measure: what was kept is sent.
            if request.values.isEmpty {
                for index in state.withLock({ $0.kept.take() ?? [] }) { await send(index, link) }
            }
            for value in request.values { await publish(value, link) }
            let waiter = state.withLock { state in
                state.waiting -= 1
                return state.waiters.removeValue(forKey: request.number)
            }
            waiter?.resume()
        }
    }

    /// Plays the script's steps while `isPlaying`. A step that comes while an earlier one still waits is left out: the
    /// sensor has no memory.
    func play(from start: ContinuousClock.Instant, while isPlaying: @Sendable () -> Bool) async {
        for step in script.steps {
            try? await Task.sleep(until: start + step.at, tolerance: .zero)
            guard !Task.isCancelled else { return }
            if isPlaying() { post([step.value], unlessBehind: true, waiter: nil) }
        }
    }

    /// Publishes these values one after the other; returns when the broker has them.
    func send(_ values: [Double]) async {
        await withCheckedContinuation { post(values, unlessBehind: false, waiter: $0) }
    }

    private func post(_ values: [Double], unlessBehind: Bool, waiter: CheckedContinuation<Void, Never>?) {
        let number: Int? = state.withLock { state in
            if state.hasEnded || unlessBehind && state.waiting > 1 { return nil }
            state.waiting += 1
            state.requested += 1
            state.waiters[state.requested] = waiter
            return state.requested
        }
        guard let number else {
            waiter?.resume()
            return
        }
        asked.yield(Request(values: values, number: number))
    }

    /// Everything that it was asked for has been acknowledged.
    var isQuiet: Bool { state.withLock { $0.waiting == 0 } }
    var published: [Published] { state.withLock { $0.published } }

    func end() {
        asked.finish()
        let waiters = state.withLock { state in
            defer { state.waiters = [:] }
            state.hasEnded = true
            return state.waiters.values.map { $0 }
        }
        for waiter in waiters { waiter.resume() }
    }

    private func publish(_ value: Double, _ link: BrokerLink) async {
        let index: Int? = state.withLock { state in
            let time = state.clock.now()
            state.published.append(
                Published(value: value, time: time, isClockRunning: state.clock.standsAt == nil, acknowledgedAt: nil))
            let index = state.published.count - 1
            state.kept?.append(index)
            return state.kept == nil ? index : nil
        }
        if let index { await send(index, link) }
    }

    private func send(_ index: Int, _ link: BrokerLink) async {
        let published = state.withLock { $0.published[index] }
        let payload =
            script.hasSourceTime
            ? "{\"v\":\(published.value),\"ts\":\(published.time)}" : "{\"v\":\(published.value)}"
        while !Task.isCancelled {
            do {
                try await link.publish(topic, payload)
                let now = WallTime.now()
                state.withLock { $0.published[index].acknowledgedAt = now }
                return
            } catch {
                try? await Task.sleep(for: Self.retryPause)
            }
        }
    }
}

// MARK: - What may be wrong with a sensor

extension Sensor {
    /// Sets its clock, that far from the right time.
    func setClock(by offset: Int64) { state.withLock { $0.clock = Clock(offset: offset) } }

    /// Whether its clock stands still; it shows the right time afterwards.
    func stopClock(_ stops: Bool) {
        state.withLock { state in
            state.clock.standsAt = stops ? state.clock.now() : nil
        }
    }

    /// Whether it keeps what it measures; afterwards it sends that, in order, before anything else.
    func buffer(_ buffers: Bool) {
        if buffers { return state.withLock { $0.kept = [] } }
        post([], unlessBehind: false, waiter: nil)
    }
}

/// Milliseconds since 1970.
enum WallTime {
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
