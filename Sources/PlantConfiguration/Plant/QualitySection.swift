import Plant

/// `quality` of a route, or of one of its values.
enum QualitySection {
    static func read(_ value: ConfigurationValue) -> RouteDraft.Quality? {
        guard let section = value.section(keys: ["at", "good", "uncertain"]),
            let at = section.required("at", "a JSON Pointer such as /quality")?.string(),
            let good = section.required("good", "the words for values that can be used, such as [GOOD, 192]")
        else { return nil }
        return RouteDraft.Quality(at: at, good: words(good), uncertain: section["uncertain"].map(words) ?? [])
    }

    private static func words(_ value: ConfigurationValue) -> [String] {
        (value.list(of: "words") ?? []).compactMap { $0.text("a word") }
    }
}
