import JSON

extension RouteDefinition.Presence {
    /// What a presence payload says; nil when it is neither word and the route asks for one.
    func isOnline(_ payload: borrowing Span<UInt8>) -> Bool? {
        let word = word(in: payload)
        if word == offline { return false }
        guard let online else { return true }
        return word == online ? true : nil
    }

    /// The word where the route looks for it; nil when there is none.
    private func word(in payload: borrowing Span<UInt8>) -> [UInt8]? {
        guard let pointer else { return PayloadContent.word(of: payload).map { payload[$0] } }
        let content = payload.extracting(PayloadContent.range(of: payload))
        switch (try? SalvagedJSON(salvaging: content))?.lookUp(pointer) {
        case .scalar(.string(let text)): return Array(text.utf8)
        case .scalar(.bool(let bool)): return Array("\(bool)".utf8)
        case .scalar(.integer(let integer)): return Array("\(integer)".utf8)
        case nil, .missing, .scalar, .container, .broken: return nil
        }
    }
}
