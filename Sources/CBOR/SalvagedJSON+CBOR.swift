package import JSON
import OrderedCollections

extension SalvagedJSON {
    /// Reads what can be read of one CBOR data item. Throws when nothing can.
    ///
    /// A sensor without a reading sends NaN, and in CBOR a NaN is a number like any other: it must not cost the four
    /// healthy sensors beside it. Unlike in JSON, the length of an item is known whatever is in it.
    ///
    /// | data item | becomes |
    /// | --- | --- |
    /// | one that `CBORDecoder` accepts | what `CBORDecoder` makes of it |
    /// | a value of no use: NaN, an infinity, too large a number, text that is not UTF-8, content that does not fit its tag, an unassigned simple value | that value is broken |
    /// | a key given twice | that member is broken |
    /// | a key that is neither text nor an integer | its value is lost, and every member that is not found is broken |
    /// | something that is no CBOR, nesting beyond the limit, or the end in the middle | what came before stands; the rest is broken |
    /// | nothing, no whole value at all, or more than one item | refused |
    ///
    /// It is asked only after `CBORDecoder` has given up, so it need not be fast, only linear and bounded.
    package init(salvagingCBOR bytes: borrowing Span<UInt8>) throws(CBORError) {
        self = try CBORSalvage.document(bytes)
    }
}

/// The reader behind it. Recursion is bounded as in `CBORDecoder`, whose scalars it takes; every byte is visited at most
/// twice, once to be read and once to be moved past.
private struct CBORSalvage {
    /// Where the bytes stop being CBOR. Once it is set, nothing more is read.
    private var end: CBORError?

    static func document(_ bytes: borrowing Span<UInt8>) throws(CBORError) -> SalvagedJSON {
        guard !bytes.isEmpty else { throw CBORError(.empty, at: 0) }
        var salvage = CBORSalvage()
        var index = 0
        var failure: CBORError?
        let document = salvage.item(bytes, &index, depth: 0, failure: &failure)
        if let failure { throw failure }
        guard let end = salvage.end else {
            guard index == bytes.count else { throw CBORError(.trailingBytes, at: index) }
            return document
        }
        switch document {
        case .object(let members, _): if members.values.allSatisfy(\.isBroken) { throw end }
        case .array(let elements, _): if elements.allSatisfy(\.isBroken) { throw end }
        case .sound, .broken: throw end
        }
        return document
    }

    private mutating func item(_ bytes: borrowing Span<UInt8>, _ index: inout Int, depth: Int) -> SalvagedJSON {
        var failure: CBORError?
        return item(bytes, &index, depth: depth, failure: &failure)
    }

    /// Reads one item and moves past it, or sets `end`.
    ///
    /// - Parameter failure: why the whole item is broken, when it is.
    private mutating func item(
        _ bytes: borrowing Span<UInt8>, _ index: inout Int, depth: Int, failure: inout CBORError?
    ) -> SalvagedJSON {
        let start = index
        do throws(CBORError) {
            let head = try CBORTag.skipTransparent(bytes, &index)
            switch head.major {
            case .array, .map:
                guard depth < JSONParser.depthLimit else { throw CBORError(.tooDeep, at: head.offset) }
                return head.major == .array
                    ? array(head, bytes, &index, depth: depth) : map(head, bytes, &index, depth: depth)
            case .unsigned, .negative, .bytes, .text, .tag, .simple:
                return .sound(try CBORScalar.value(head, bytes, &index))
            }
        } catch {
            failure = error
            if error.isConfinedToItem {
                index = start
                skip(bytes, &index, depth: depth)
            } else {
                end = error
            }
            return .broken(JSONError(error))
        }
    }

    private mutating func skip(_ bytes: borrowing Span<UInt8>, _ index: inout Int, depth: Int) {
        do throws(CBORError) {
            try CBORSkip.item(bytes, &index, depth: depth)
        } catch {
            end = error
        }
    }

    /// Whether a container that has given `count` elements or pairs has another one. A cut container announces more than
    /// follows, so the announced length is only counted up to.
    private mutating func hasNext(
        _ head: CBORHead, after count: UInt64, _ bytes: borrowing Span<UInt8>, _ index: inout Int
    ) -> Bool {
        guard end == nil else { return false }
        guard head.isIndefinite else { return count < head.argument }
        do throws(CBORError) {
            return try !CBORHead.skipBreak(bytes, &index)
        } catch {
            end = error
            return false
        }
    }

    private mutating func array(
        _ head: CBORHead, _ bytes: borrowing Span<UInt8>, _ index: inout Int, depth: Int
    ) -> SalvagedJSON {
        var elements: [SalvagedJSON] = []
        while hasNext(head, after: UInt64(elements.count), bytes, &index) {
            elements.append(item(bytes, &index, depth: depth &+ 1))
        }
        return .array(elements, rest: end.map(JSONError.init))
    }

    private mutating func map(
        _ head: CBORHead, _ bytes: borrowing Span<UInt8>, _ index: inout Int, depth: Int
    ) -> SalvagedJSON {
        var members = OrderedDictionary<String, SalvagedJSON>()
        var rest: JSONError?
        var count: UInt64 = 0
        while hasNext(head, after: count, bytes, &index) {
            count &+= 1
            let start = index
            do throws(CBORError) {
                let name = try CBORKey.name(bytes, &index)
                let value = item(bytes, &index, depth: depth &+ 1)
                members[name] =
                    members[name] == nil ? value : .broken(JSONError(CBORError(.duplicateKey, at: start)))
            } catch {
                rest = rest ?? JSONError(error)
                guard error.isConfinedToItem else {
                    end = error
                    break
                }
                index = start
                skip(bytes, &index, depth: depth &+ 1)
                if end == nil { skip(bytes, &index, depth: depth &+ 1) }
            }
        }
        return .object(members, rest: rest ?? end.map(JSONError.init))
    }
}
