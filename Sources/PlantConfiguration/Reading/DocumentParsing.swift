import Yams

extension ConfigurationDocument {
    /// The document's YAML. What has too many values, is not text or is not YAML is reported, and gives nil.
    func root(_ context: DocumentContext) -> ConfigurationValue? {
        guard DocumentCapacity.roughCount(ofValues: bytes) <= DocumentCapacity.values else {
            context.report(
                .mistake, at: nil, "has too many values", expected: "at most \(DocumentCapacity.values) in a document")
            return nil
        }
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        guard let text = String(validating: bytes.dropFirst(bytes.starts(with: mark) ? mark.count : 0), as: UTF8.self)
        else {
            context.report(.mistake, at: nil, "is not UTF-8 text", expected: "a YAML file in UTF-8")
            return nil
        }
        do {
            try AliasExpansion.check(text)
            guard let node = try Self.parser(text).singleRoot() else {
                context.report(.mistake, at: nil, "is empty", expected: "a YAML mapping")
                return nil
            }
            return ConfigurationValue(node: node, document: context, name: "the file")
        } catch let error as YamlError {
            Self.report(error, context)
        } catch let error as AliasExpansion.Mistake {
            context.report(.mistake, at: error.mark, error.what, expected: error.expected)
        } catch {
            context.report(.mistake, at: nil, "is not YAML: \(error)")
        }
        return nil
    }

    /// With the encoding named, because Yams would ask the environment for it.
    static func parser(_ text: String) throws -> Parser { try Parser(yaml: text, encoding: .utf8) }

    private static func report(_ error: YamlError, _ context: DocumentContext) {
        switch error {
        case .scanner(let words, let problem, let mark, _), .parser(let words, let problem, let mark, _),
            .composer(let words, let problem, let mark, _):
            let detail = words.map { " (\($0.text.trimmed))" } ?? ""
            context.report(.mistake, at: mark, "is not YAML: \(problem)\(detail)")
        case .duplicatedKeysInMapping(let duplicates, let words):
            context.report(
                .mistake, at: words.mark,
                "key \(duplicates.map { "\"\($0)\"" }.joined(separator: ", ")) is given twice",
                expected: "each key once")
        case .reader(let problem, let offset, _, _):
            context.report(.mistake, at: nil, "is not YAML: \(problem)" + (offset.map { " at byte \($0)" } ?? ""))
        default:
            context.report(.mistake, at: nil, "is not YAML: \(error)")
        }
    }
}

extension String {
    fileprivate var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
