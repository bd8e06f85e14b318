/// The places in a document that a decoder wants, prepared for `JSONScanner`: a tree of member names laid out flat, so
/// that following it touches no reference.
public struct JSONScanPlan: Sendable {
    struct Node: Sendable {
        /// Which result the value here is; -1 when it only leads further down.
        var slot: Int32 = -1
        var firstStep: Int32 = 0
        var stepCount: Int32 = 0
        /// More than the greatest array index among its steps.
        var elementCount: Int32 = 0
        /// Whether a step that is not known here means that the document is to be read by the full reader.
        var isOpen = false
        /// Whether whatever stands here means that.
        var isUnknown = false
    }

    /// One step down, by member name or by array index.
    struct Step: Sendable {
        var nameStart: Int32
        var nameLength: Int32
        /// -1 when the token cannot be an array index.
        var element: Int32
        var node: Int32
    }

    private(set) var nodes: ContiguousArray<Node> = []
    private(set) var steps: ContiguousArray<Step> = []
    private(set) var names: ContiguousArray<UInt8> = []
    /// The result slot of each pointer, in the order given; equal pointers share one.
    public let slots: [Int]
    /// How many results a scan has.
    public let slotCount: Int
    /// False when a name is not ASCII: then only the full reader compares names as Swift strings do.
    let isScannable: Bool

    /// - Parameter patterns: of places of which nothing may stay unknown: a scan gives up when something stands where they
    ///   lead, on the way there from a wildcard on included, and none of the pointers is that place.
    /// - Parameter closed: places in which nothing needs to be known all the same.
    public init(_ pointers: [JSONPointer], patterns: [JSONPointerPattern] = [], closed: [JSONPointer] = []) {
        let root = Draft()
        var unique: [JSONPointer: Int] = [:]
        var slots: [Int] = []
        for pointer in pointers {
            let slot = unique[pointer] ?? unique.count
            unique[pointer] = slot
            slots.append(slot)
            var node = root
            for token in pointer.tokens { node = node.child(token) }
            node.slot = slot
        }
        self.slots = slots
        slotCount = unique.count
        for pointer in closed {
            var node = root
            for token in pointer.tokens { node = node.child(token) }
            node.isClosed = true
        }
        // Opening one may make nodes that another one leads through.
        var count = -1
        while count != root.count {
            count = root.count
            for pattern in patterns { root.open(pattern.steps[...]) }
        }
        isScannable =
            pointers.allSatisfy { $0.tokens.allSatisfy(Self.isASCII) }
            && patterns.allSatisfy {
                $0.steps.allSatisfy { if case .name(let name) = $0 { Self.isASCII(name) } else { true } }
            }
        nodes.append(Node())
        layOut(root, at: 0)
    }

    private static func isASCII(_ name: String) -> Bool { name.utf8.allSatisfy { $0 < 0x80 } }

    private mutating func layOut(_ draft: Draft, at index: Int) {
        let first = steps.count
        nodes[index] = Node(
            slot: Int32(clamping: draft.slot ?? -1), firstStep: Int32(clamping: first),
            stepCount: Int32(clamping: draft.children.count),
            elementCount: Int32(
                clamping: draft.children.reduce(0) { max($0, (JSONPointer.arrayIndex($1.token) ?? -1) + 1) }),
            isOpen: draft.isOpen,
            isUnknown: draft.isUnknown)
        for (token, _) in draft.children {
            steps.append(
                Step(
                    nameStart: Int32(clamping: names.count), nameLength: Int32(clamping: token.utf8.count),
                    element: Int32(clamping: JSONPointer.arrayIndex(token) ?? -1), node: Int32(clamping: nodes.count)))
            names.append(contentsOf: token.utf8)
            nodes.append(Node())
        }
        for (position, child) in draft.children.enumerated() {
            layOut(child.node, at: Int(steps[first + position].node))
        }
    }

    /// The tree while it is being put together.
    private final class Draft {
        var slot: Int?
        var isOpen = false
        var isUnknown = false
        var isClosed = false
        var children: [(token: String, node: Draft)] = []
        private var places: [[UInt8]: Int] = [:]

        /// The nodes below this one.
        var count: Int { children.reduce(0) { $0 + 1 + $1.node.count } }

        /// Opens the nodes that a pattern leads to from here.
        func open(_ steps: ArraySlice<JSONPointerPattern.Step>) {
            guard !isClosed else { return }
            switch steps.first {
            case nil: isUnknown = slot == nil
            case .name(let name): child(name).open(steps.dropFirst())
            case .any:
                isOpen = true
                for (_, node) in children { node.open(steps.dropFirst()) }
            case .rest:
                isOpen = true
                for (_, node) in children {
                    node.isUnknown = node.slot == nil
                    node.open(steps)
                }
            }
        }

        func child(_ token: String) -> Draft {
            let bytes = Array(token.utf8)
            if let place = places[bytes] { return children[place].node }
            let node = Draft()
            places[bytes] = children.count
            children.append((token, node))
            return node
        }
    }
}
