/// Paths in a document.
enum RelativePath {
    /// A path as the configuration's author meant it: relative to the file in which it stands.
    static func resolve(_ name: String, relativeTo file: String) -> String {
        guard !name.hasPrefix("/") else { return name }
        let folder = file.lastIndex(of: "/").map { file[..<$0] } ?? ""
        var parts: [Substring] = []
        for part in folder.split(separator: "/") + name.split(separator: "/") {
            // Only for the eye, and only where it is certain: `bridge-config/../var` is `var`, unless a link is in the way,
            // which the folder of a configuration is not.
            if part == ".", !parts.isEmpty || folder.isEmpty { continue }
            if part == "..", let last = parts.last, last != "..", last != "." {
                parts.removeLast()
            } else {
                parts.append(part)
            }
        }
        return (file.hasPrefix("/") ? "/" : "") + (parts.isEmpty ? "." : parts.joined(separator: "/"))
    }
}
