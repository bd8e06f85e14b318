import CBOR
import JSON

/// One of the samples that a message has of its values.
struct PayloadElement: Sendable {
    /// Its document within the payload.
    let range: Range<Int>
    /// What its name says, where that is its time.
    let time: PayloadDecoder.Time

    /// Finds the elements of a payload, in their order. False when more may have been there that cannot be told.
    static func find(
        in payload: borrowing Span<UInt8>, of route: RouteDefinition, at place: JSONPointer, limit: Int,
        into elements: inout ContiguousArray<PayloadElement>
    ) throws(DecodeFailure) -> Bool {
        elements.removeAll(keepingCapacity: true)
        return route.payload == .cbor
            ? try findCBOR(in: payload, of: route, at: place, limit: limit, into: &elements)
            : try findJSON(in: payload, of: route, at: place, limit: limit, into: &elements)
    }

    private static func findJSON(
        in payload: borrowing Span<UInt8>, of route: RouteDefinition, at place: JSONPointer, limit: Int,
        into elements: inout ContiguousArray<PayloadElement>
    ) throws(DecodeFailure) -> Bool {
        let content = PayloadContent.range(of: payload)
        let document = payload.extracting(content)
        guard var cursor = JSONElements(of: document, at: place) else { throw .noElements }
        while let element = cursor.next(document) {
            guard elements.count < limit else { throw .tooManyElements(limit: limit) }
            let start = content.lowerBound &+ element.value.lowerBound
            elements.append(
                PayloadElement(
                    range: start..<start &+ element.value.count,
                    time: element.name.map { time(document.extracting($0), route) } ?? .none))
        }
        return !cursor.isBroken
    }

    private static func findCBOR(
        in payload: borrowing Span<UInt8>, of route: RouteDefinition, at place: JSONPointer, limit: Int,
        into elements: inout ContiguousArray<PayloadElement>
    ) throws(DecodeFailure) -> Bool {
        let found: CBORElements?
        do throws(CBORError) { found = try CBORElements(of: payload, at: place) } catch { throw .cbor(error) }
        guard var cursor = found else { throw .noElements }
        while let element = cursor.next(payload) {
            guard elements.count < limit else { throw .tooManyElements(limit: limit) }
            elements.append(
                PayloadElement(
                    range: element.value, time: element.name.map { time(Array($0.utf8).span, route) } ?? .none))
        }
        return cursor.failure == nil
    }

    private static func time(_ name: borrowing Span<UInt8>, _ route: RouteDefinition) -> PayloadDecoder.Time {
        guard route.isTimeName else { return .none }
        return PayloadDecoder.time(name, unit: route.timeUnit, hasZone: route.timeZone != nil)
    }
}
