/// Makes a script that shows a difference as short as it can: first by leaving out steps, then requests of bursts and
/// parts of transactions.
struct Shrinker {
    /// Plays a script and says whether the two servers differ.
    let play: ([Step]) -> Difference?
    /// How many scripts it may play.
    var budget = 800

    mutating func shrink(_ script: [Step], _ difference: Difference) -> (script: [Step], difference: Difference) {
        var best = (script: script, difference: difference)
        if difference.isFatal { return best }
        if difference.isSlow { budget = 20 }
        if let step = difference.step { attempt(Array(script[...step]), &best) }
        removeSteps(&best)
        simplify(&best)
        removeSteps(&best)
        return best
    }

    @discardableResult
    private mutating func attempt(_ script: [Step], _ best: inout (script: [Step], difference: Difference)) -> Bool {
        guard budget > 0 else { return false }
        budget -= 1
        guard let difference = play(script) else { return false }
        if difference.isFatal {
            if !best.difference.isFatal { best = (script, difference) }
            budget = 0
            return false
        }
        best = (script, difference)
        return true
    }

    /// Delta debugging: halves, quarters, … single steps.
    private mutating func removeSteps(_ best: inout (script: [Step], difference: Difference)) {
        var size = max(1, best.script.count / 2)
        while true {
            var start = 0
            var isShorter = false
            while start < best.script.count {
                var candidate = best.script
                candidate.removeSubrange(start..<min(start + size, candidate.count))
                if attempt(candidate, &best) { isShorter = true } else { start += size }
            }
            if size == 1, !isShorter || budget == 0 { return }
            size = max(1, size / 2)
        }
    }

    private mutating func simplify(_ best: inout (script: [Step], difference: Difference)) {
        var index = 0
        while index < best.script.count {
            defer { index += 1 }
            guard case .requests(let slot, var calls) = best.script[index] else { continue }
            var position = 0
            while position < calls.count, calls.count > 1 {
                var fewer = calls
                fewer.remove(at: position)
                if attempt(replacing(best.script, index, slot, fewer), &best) { calls = fewer } else { position += 1 }
            }
            for position in calls.indices {
                guard case .multi(var parts) = calls[position] else { continue }
                var part = 0
                while part < parts.count {
                    var fewer = parts
                    fewer.remove(at: part)
                    var candidate = calls
                    candidate[position] = .multi(fewer)
                    if attempt(replacing(best.script, index, slot, candidate), &best) {
                        parts = fewer
                        calls = candidate
                    } else {
                        part += 1
                    }
                }
            }
        }
    }

    private func replacing(_ script: [Step], _ index: Int, _ slot: Int, _ calls: [Call]) -> [Step] {
        var script = script
        script[index] = .requests(slot: slot, calls)
        return script
    }
}
