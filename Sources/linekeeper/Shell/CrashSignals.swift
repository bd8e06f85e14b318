#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What happens when this process makes a mistake that ends it.
enum CrashSignals {
    private static let all = [SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP]

    /// Lets a crash end the process at once.
    ///
    /// Where a Swift toolchain is installed, the runtime writes a back-trace first, for seconds, while the process keeps its
    /// sockets: the broker and the tree's servers take it for alive, and nobody takes over. Somebody who looks for a mistake
    /// sets `SWIFT_BACKTRACE`, and gets the back-trace.
    static func endAtOnce() {
        guard getenv("SWIFT_BACKTRACE") == nil else { return }
        for number in all { signal(number, SIG_DFL) }
    }
}
