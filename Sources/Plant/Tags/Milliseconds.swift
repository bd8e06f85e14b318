/// A moment as integer milliseconds since 1970 UTC, or a span of milliseconds: the only time that Plant knows.
/// It always comes in as an argument.
public typealias Milliseconds = Int64
