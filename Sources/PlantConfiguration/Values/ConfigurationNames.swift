/// Names that stand both in a path of the tree and as one level of a topic.
package enum ConfigurationNames {
    /// What is wrong with `name` as such a name; nil when nothing is.
    package static func objection(to name: String) -> String? {
        if name.isEmpty { return "is empty" }
        if name == "." || name == ".." { return "means a place in a path" }
        if name.utf8.count > 200 { return "is longer than 200 bytes" }
        if name.hasPrefix("@") { return "begins with @, which is for Linekeeper's own nodes" }
        if name.hasPrefix("$") { return "begins with $, which is for the broker's own topics" }
        for scalar in name.unicodeScalars {
            switch scalar.value {
            case 0x2F, 0x2B, 0x23, 0x25: return "contains \(scalar)"
            case 0...0x1F, 0x7F...0x9F: return "contains a control character"
            case 0xD800...0xF8FF, 0xFFF0...0xFFFF: return "contains a character that the tree does not allow"
            default: continue
            }
        }
        return nil
    }
}
