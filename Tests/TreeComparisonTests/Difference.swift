/// Where two servers did not say the same.
struct Difference: Error, CustomStringConvertible {
    var text: String
    /// The step after which it showed; `nil`: in the comparison of whole trees at the end.
    var step: Int?
    /// One of the servers has died: nothing more can be learnt from it.
    var isFatal = false
    /// It showed after a long silence.
    var isSlow = false

    init(_ text: String) { self.text = text }

    init(call: Call?, ours: Answer?, theirs: Answer?, context: String) {
        text = """
            \(call.map { "to: \($0)\n    " } ?? "")ours:   \(ours.map { "\($0)" } ?? "nothing")
                theirs: \(theirs.map { "\($0)" } ?? "nothing")
            \(context)
            """
    }

    func at(_ step: Int?) -> Difference {
        var difference = self
        difference.step = step
        return difference
    }

    var description: String { text }
}
