#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A node's data as given on the command line.
enum NodeContent {
    static func bytes(_ text: String) throws -> [UInt8] {
        guard text == "-" else { return Array(text.utf8) }
        var data: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(0, &buffer, buffer.count)
            if count == 0 { return data }
            if count < 0 {
                if errno == EINTR { continue }
                throw CommandFailure(.no, "standard input cannot be read")
            }
            data += buffer[..<count]
            // The protocol carries a mebibyte in a request.
            guard data.count <= 1 << 20 else { throw CommandFailure(.no, "a node holds at most 1 MiB") }
        }
    }
}
