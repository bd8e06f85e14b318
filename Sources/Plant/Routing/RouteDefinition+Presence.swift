import JSON

extension RouteDefinition.Presence {
    /// What a presence payload says; nil when it is neither word.
    func isOnline(_ payload: borrowing Span<UInt8>) -> Bool? {
        let word: [UInt8]
        if let pointer {
            let content = payload.extracting(PayloadContent.range(of: payload))
            switch (try? SalvagedJSON(salvaging: content))?.lookUp(pointer) {
            case .scalar(.string(let text)): word = Array(text.utf8)
            case .scalar(.bool(let bool)): word = Array("\(bool)".utf8)
            case .scalar(.integer(let integer)): word = Array("\(integer)".utf8)
            case nil, .missing, .scalar, .container, .broken: return nil
            }
        } else {
            let range = PayloadContent.word(of: payload)
            word = range.map { payload[$0] }
        }
        if word == online { return true }
        return word == offline ? false : nil
    }
}
