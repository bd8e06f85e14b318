/// Which number of one server stands for the same thing as which number of the other. Learnt as it goes; a pair, once
/// known, must hold for ever.
struct Correspondence {
    private var theirs: [Int64: Int64]
    private var ours: [Int64: Int64]

    /// - Parameter fixed: Numbers that mean the same on both.
    init(fixed: [Int64]) {
        theirs = Dictionary(uniqueKeysWithValues: fixed.map { ($0, $0) })
        ours = theirs
    }

    /// Whether the two can be the same thing; from then on they are.
    mutating func match(ours our: Int64, theirs their: Int64) -> Bool {
        switch (theirs[our], ours[their]) {
        case (nil, nil):
            theirs[our] = their
            ours[their] = our
            return true
        case (let knownTheir?, let knownOur?): return knownTheir == their && knownOur == our
        default: return false
        }
    }
}
