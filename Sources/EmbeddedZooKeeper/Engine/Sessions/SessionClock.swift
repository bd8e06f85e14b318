/// Finds sessions whose time is up without looking at all of them, and without work each time one is heard from.
///
/// Sessions lie in buckets of a fixed width by the deadline that they had when they were put there. When a bucket is due,
/// each session in it either really has passed its deadline, or moves on to the bucket of its present one. So each is
/// looked at about once a timeout, and expiry is late by at most one bucket.
struct SessionClock {
    let bucketMilliseconds: Int64
    private var buckets: [Int64: [Int64]] = [:]
    private var nextBucket: Int64?

    init(bucketMilliseconds: Int64) {
        self.bucketMilliseconds = max(1, bucketMilliseconds)
    }

    mutating func add(_ session: Session) {
        let bucket = bucket(of: session.deadline)
        buckets[bucket, default: []].append(session.id)
        nextBucket = min(nextBucket ?? bucket, bucket)
    }

    /// Takes out the sessions whose deadline has passed.
    ///
    /// - Parameter sessions: Those that exist; one that was closed meanwhile is forgotten here.
    mutating func expired(at now: Instant, among sessions: [Int64: Session]) -> [Session] {
        var expired: [Session] = []
        let current = now.nanoseconds / 1_000_000 / bucketMilliseconds
        guard let first = nextBucket, first <= current else { return [] }
        for bucket in buckets.keys.filter({ $0 <= current }).sorted() {
            for id in buckets.removeValue(forKey: bucket) ?? [] {
                guard let session = sessions[id] else { continue }
                if session.deadline <= now {
                    expired.append(session)
                } else {
                    buckets[self.bucket(of: session.deadline), default: []].append(id)
                }
            }
        }
        nextBucket = buckets.keys.min()
        return expired
    }

    /// The bucket that begins after the deadline: never early.
    private func bucket(of deadline: Instant) -> Int64 {
        deadline.nanoseconds / 1_000_000 / bucketMilliseconds + 1
    }
}
