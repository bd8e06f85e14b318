import Dispatch
import Glibc
import NIOCore
import Synchronization

/// Bytes for many sockets, written on all processors at once.
///
/// To hand a small message to a socket costs the system about 10 µs, most of it the network's side of a loopback or a
/// driver: an update that ten thousand clients watch would keep one processor busy for more than a tenth of a second. The
/// sockets have nothing to do with each other, so that the work can be shared out, while the event loop that they belong to
/// takes part in it and waits for the rest. Nothing else changes threads.
struct SocketBatch {
    struct Item: Sendable {
        /// An open socket that does not block, until ``send()`` has returned.
        var descriptor: CInt
        var bytes: ByteBuffer
        /// What the caller knows it by.
        var index: Int
    }

    /// What a socket did not take at once, or had an error with: for its channel to write, or to stumble over.
    struct Remainder: Sendable {
        var bytes: ByteBuffer
        var index: Int
    }

    private static let share = 64

    private var items: [Item] = []

    var isEmpty: Bool { items.isEmpty }

    mutating func append(_ item: Item) { items.append(item) }

    /// Writes, and waits until everything is written that could be.
    ///
    /// - Returns: What is left to be written, in no order.
    consuming func send() -> [Remainder] {
        // Neighbours among the descriptors are mostly neighbours in the system's memory.
        items.sort { $0.descriptor < $1.descriptor }
        let items = items
        let remainders = Remainders()
        DispatchQueue.concurrentPerform(iterations: (items.count + Self.share - 1) / Self.share) { share in
            let first = share * Self.share
            for index in first..<min(first + Self.share, items.count) {
                let sent = Self.send(items[index].bytes, to: items[index].descriptor)
                guard sent < items[index].bytes.readableBytes else { continue }
                var bytes = items[index].bytes
                bytes.moveReaderIndex(forwardBy: sent)
                let remainder = Remainder(bytes: bytes, index: items[index].index)
                remainders.all.withLock { $0.append(remainder) }
            }
        }
        return remainders.all.withLock { $0 }
    }

    private final class Remainders: Sendable {
        let all = Mutex<[Remainder]>([])
    }

    /// - Returns: How many bytes the socket took.
    private static func send(_ bytes: ByteBuffer, to descriptor: CInt) -> Int {
        bytes.withUnsafeReadableBytes { bytes in
            while true {
                let sent = Glibc.send(
                    descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
                if sent >= 0 { return sent }
                guard errno == EINTR else { return 0 }
            }
        }
    }
}
