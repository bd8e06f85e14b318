#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Standard output and standard error, written at once and whole: what is printed into a pipe arrives when it is printed.
///
/// Text passes ``Printable`` on its way, whatever its parts have been through already.
enum Terminal {
    /// Whether a person is looking at standard output.
    static let isInteractive = isatty(1) == 1

    /// Colours: only for a person, and not for one who has said no (https://no-color.org).
    static let hasColours =
        isInteractive && getenv("NO_COLOR") == nil && getenv("TERM").map { strcmp($0, "dumb") != 0 } ?? false

    /// Of standard input, output and error those that were closed when the program started. They are opened on a folder, which
    /// can be neither read nor written: else the next file or connection would get their numbers, and what is printed.
    private static let closedAtStart: Set<Int32> = {
        var closed: Set<Int32> = []
        for descriptor in 0...2 as ClosedRange<Int32> where fcntl(descriptor, F_GETFD) < 0 {
            if open("/", O_RDONLY) == descriptor { closed.insert(descriptor) }
        }
        return closed
    }()

    /// To be called before anything is opened.
    static func prepare() { _ = closedAtStart }

    /// Columns and lines of the terminal; a usual size when it does not say.
    static var size: (columns: Int, lines: Int) {
        var window = winsize()
        guard ioctl(1, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0, window.ws_row > 0 else { return (120, 40) }
        return (Int(window.ws_col), Int(window.ws_row))
    }

    /// Any number of lines.
    static func write(_ text: String) { write(Array(Printable.lines(text).utf8), to: 1) }

    /// A node's data, as it is.
    static func write(_ bytes: [UInt8]) { write(bytes, to: 1) }

    /// Moves the cursor over lines that are on the screen already. The lines must have passed ``Printable``.
    static func draw(_ text: String) { write(Array(text.utf8), to: 1) }

    static func writeError(_ text: String) { write(Array(Printable.lines(text).utf8), to: 2) }

    /// One line, whatever is in the text.
    static func line(_ text: String) { write(Array((Printable.line(text) + "\n").utf8), to: 1) }

    /// The same on standard error.
    static func errorLine(_ text: String) { write(Array((Printable.line(text) + "\n").utf8), to: 2) }

    /// `linekeeper: …` on standard error.
    static func complain(_ message: String) { errorLine("linekeeper: \(message)") }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var bytes = bytes[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written > 0 {
                bytes = bytes.dropFirst(written)
            } else if errno == EAGAIN {
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&ready, 1, -1)
            } else if errno != EINTR {
                // What cannot be said does not change what the program does, or its status.
                if descriptor != 1 { return }
                // The reader has gone (`| head`): there is nobody left to write for.
                if errno == EPIPE { exit(ExitStatus.done.rawValue) }
                let reason = closedAtStart.contains(descriptor) ? "it is closed" : String(cString: strerror(errno))
                complain("standard output cannot be written: \(reason)")
                exit(ExitStatus.no.rawValue)
            }
        }
    }
}

/// Colours and weights of text on a terminal.
enum Style: String, CaseIterable {
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
    case blue = "34"
    case magenta = "35"
    case cyan = "36"
    case alert = "1;31"

    func applied(to text: String) -> String {
        Terminal.hasColours ? sequence + text + Self.end : text
    }

    private var sequence: String { "\u{1B}[\(rawValue)m" }
    private static let end = "\u{1B}[0m"

    /// All that this program itself sends to a terminal between texts.
    static let sequences = [end] + allCases.map(\.sequence)
}
