import Foundation

/// A thread that does one thing at a time for another, which waits meanwhile: what it costs that user code runs elsewhere than
/// the input and output.
final class SecondThread: @unchecked Sendable {
    // `work` is written before `begin` is signalled and read after it was waited for, and the other way round with `end`:
    // never by both threads at a time.
    private var work: (() -> Void)?
    private let begin = DispatchSemaphore(value: 0)
    private let end = DispatchSemaphore(value: 0)

    /// It lives as long as the process.
    init() {
        Thread { [self] in
            while true {
                begin.wait()
                work?()
                end.signal()
            }
        }.start()
    }

    /// Returns when `body` has been done over there.
    func run(_ body: () throws -> Void) throws {
        var failure: (any Error)?
        withoutActuallyEscaping(body) { body in
            work = { do { try body() } catch { failure = error } }
            begin.signal()
            end.wait()
            work = nil
        }
        if let failure { throw failure }
    }
}
