#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What the operating system says of this process and machine. A few system calls, bounded.
enum ProcessInformation {
    static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return text(buffer)
    }

    /// Name, release and machine.
    static var system: (name: String, release: String, machine: String) {
        var names = utsname()
        guard uname(&names) == 0 else { return ("unknown", "unknown", "unknown") }
        func field<Field>(_ field: Field) -> String {
            withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        return (field(names.sysname), field(names.release), field(names.machine))
    }

    static var userName: String {
        guard let entry = getpwuid(getuid()), let name = entry.pointee.pw_name else { return "\(getuid())" }
        return String(cString: name)
    }

    static var homeDirectory: String {
        guard let entry = getpwuid(getuid()), let path = entry.pointee.pw_dir else { return "/" }
        return String(cString: path)
    }

    static var workingDirectory: String {
        var buffer = [CChar](repeating: 0, count: 4096)
        return getcwd(&buffer, buffer.count) == nil ? "?" : text(buffer)
    }

    /// −1: not known.
    static var openFileDescriptors: Int {
        // Reading the folder opens one more.
        entries(of: "/proc/self/fd", limit: 1_000_000).map { max(0, $0.count - 1) } ?? -1
    }

    static var maximumFileDescriptors: Int {
        var limit = rlimit()
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        return getrlimit(resource, &limit) == 0 ? Int(clamping: limit.rlim_cur) : -1
    }

    static func raiseFileDescriptorLimit() {
        var limit = rlimit()
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(resource, &limit)
    }

    /// Bytes of memory that this process occupies; −1: not known.
    static var residentBytes: Int {
        guard let text = contents(of: "/proc/self/statm"), let pages = text.split(separator: " ").dropFirst().first,
            let count = Int(pages)
        else { return -1 }
        return count * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Seconds of processor time that this process has used.
    static var processorSeconds: Double {
        var usage = rusage()
        #if canImport(Glibc)
            let who = RUSAGE_SELF.rawValue
        #else
            let who = RUSAGE_SELF
        #endif
        guard getrusage(who, &usage) == 0 else { return 0 }
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    /// Bytes of the files that lie directly in a folder.
    static func size(ofFilesIn folder: String) -> Int {
        (entries(of: folder, limit: 10_000) ?? []).reduce(0) { sum, name in
            var status = stat()
            guard stat(folder + "/" + name, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return sum }
            return sum + Int(status.st_size)
        }
    }

    private static func entries(of folder: String, limit: Int) -> [String]? {
        guard let directory = opendir(folder) else { return nil }
        defer { closedir(directory) }
        var names: [String] = []
        while names.count < limit, let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func contents(of path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(file, &buffer, buffer.count)
        return count < 0 ? nil : String(decoding: buffer.prefix(count), as: UTF8.self)
    }

    private static func text(_ buffer: [CChar]) -> String {
        String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// A time as Java prints it, in UTC: `Sat Nov 21 14:03:30 UTC 2026`.
func javaDate(milliseconds: Int64) -> String {
    var seconds = time_t(milliseconds / 1000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    var buffer = [CChar](repeating: 0, count: 64)
    let count = strftime(&buffer, buffer.count, "%a %b %d %H:%M:%S UTC %Y", &parts)
    return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// A number as Java prints a double that was rounded to four places: `0.0`, `2.4`, `0.0909`.
func javaDouble(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "0.0" }
    let scaled = Int64((abs(value) * 10_000).rounded())
    var fraction = String(scaled % 10_000)
    fraction = String(repeating: "0", count: 4 - fraction.count) + fraction
    while fraction.count > 1, fraction.hasSuffix("0") { fraction.removeLast() }
    return "\(value < 0 ? "-" : "")\(scaled / 10_000).\(fraction)"
}
