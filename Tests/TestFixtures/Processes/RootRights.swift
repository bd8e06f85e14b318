#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Whether this process may make network namespaces and mount file systems. A few tests need that; run by anybody else
/// they are left out, and `script/test` counts them.
public enum RootRights {
    /// Where nothing may be left out, as in continuous integration (`LINEKEEPER_ALL=1`), the tests run in any case, and fail.
    public static let areGiven = geteuid() == 0 || getenv("LINEKEEPER_ALL").map { String(cString: $0) } == "1"
}
