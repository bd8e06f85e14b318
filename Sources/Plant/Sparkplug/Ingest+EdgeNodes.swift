import JSON
import SparkplugB

// From topics, devices and metrics of Sparkplug B to devices and tags.
extension Ingest {
    /// Whether a topic is a host's STATE, or a command: what hosts say, to one another and to edge nodes.
    static func isForOthers(_ path: TagPath) -> Bool {
        switch try? SparkplugTopic(Array(path.text.utf8).span) {
        case .host: true
        case .edge(let topic): topic.type == .nodeCommand || topic.type == .deviceCommand
        case nil: false
        }
    }

    /// A topic of an edge node, each of whose devices is bound by itself.
    mutating func bindEdge(
        _ path: TagPath, _ match: Match, key: borrowing Span<UInt8>
    ) throws(MessageOutcome.Refusal) -> Int {
        let bytes = Array(path.text.utf8)
        let topic: EdgeTopic
        do throws(SparkplugTopic.Refusal) {
            switch try SparkplugTopic(bytes.span) {
            case .edge(let edge): topic = edge
            case .host: throw .unknownType
            }
        } catch {
            throw .sparkplug(error)
        }
        guard topics.hasRoom(forBytes: key.count) else { throw .tooManyTopics }
        let (group, edge, _) = topic.ids(in: bytes)
        let name = EdgeNodes.key(route: match.route, group: group, edge: edge)
        let number: Int
        if let known = edgeNodes.number(of: name) {
            number = known
        } else {
            let device: TagPath
            do throws(TagPath.Refusal) {
                device = try routes[match.route].definition.edgeNodePath(group: group, edge: edge)
            } catch {
                throw .device(error)
            }
            guard !GatewayFault.isOwn(device) else { throw .own }
            guard let new = edgeNodes.insert(name, route: match.route, group: group, edge: edge, path: device) else {
                throw .tooManyEdgeNodes
            }
            number = new
        }
        guard topics.insert(key) == bindings.count else { throw .tooManyTopics }
        var binding = Binding(
            isPresence: false, hasElements: false, route: Int32(clamping: match.route),
            device: DeviceID(rawValue: .max), firstTag: 0, tagCount: 0, open: -1)
        binding.edge = Int32(clamping: number)
        bindings.append(binding)
        return bindings.count - 1
    }

    /// The topic as which a device of an edge node, or the edge node itself, is bound; nil when it cannot be.
    ///
    /// - Parameter isBorn: whether what was refused before is tried again.
    mutating func topic(
        of device: SparkplugDeviceID, _ edge: Int, isBorn: Bool, at now: Milliseconds
    ) -> (number: Int, isNewDevice: Bool)? {
        let place = Int(device.rawValue)
        switch edgeNodes[edge].devices[place] {
        case .bound(let topic, _): return (topic, false)
        case .refused where !isBorn: return nil
        case .refused, .unknown: break
        }
        do throws(MessageOutcome.Refusal) {
            let (topic, isNew) = try bind(device, of: edge, at: now)
            edgeNodes[edge].devices[place] = .bound(topic: topic, capacity: 0)
            return (topic, isNew)
        } catch {
            edgeNodes[edge].devices[place] = .refused
            count(error)
            return nil
        }
    }

    private mutating func bind(
        _ device: SparkplugDeviceID, of edge: Int, at now: Milliseconds
    ) throws(MessageOutcome.Refusal) -> (topic: Int, isNew: Bool) {
        let node = edgeNodes[edge]
        let name = node.session.device(device).name
        let path: TagPath
        do throws(TagPath.Refusal) {
            path = try node.path(of: device)
        } catch {
            throw .device(error)
        }
        // No topic has a zero in it; behind that, S stands for a device of Sparkplug B.
        let key = Array("\(node.group)/\(node.edge)/\(name)".utf8) + [0] + Array("S\(node.route)".utf8)
        guard topics.hasRoom(forBytes: key.count) else { throw .tooManyTopics }
        let definition = routes[node.route].definition
        guard roomForDevices > 0 || devices.id(of: path) != nil,
            let known = devices.intern(path, route: definition.name, rules: definition.deviceRules, at: now)
        else { throw .tooManyDevices }
        guard topics.insert(key.span) == bindings.count else { throw .tooManyTopics }
        bindings.append(
            Binding(
                isPresence: false, hasElements: false, route: Int32(clamping: node.route), device: known.id,
                firstTag: Int32(clamping: boundTags.count), tagCount: 0, open: -1))
        return (bindings.count - 1, known.isNew)
    }

    /// What a tag of an edge node's session is here; nil when it is not taken. `failure` says why, once per birth.
    ///
    /// - Parameter isBorn: whether what was refused before is tried again.
    mutating func tag(
        _ id: SparkplugTagID, of edge: Int, isBorn: Bool, at now: Milliseconds, _ failure: inout DecodeFailure?
    ) -> (tag: BoundTag, topic: Int)? {
        let place = Int(id.rawValue)
        switch edgeNodes[edge].tags[place] {
        case .bound(let tag, let topic):
            guard edgeNodes[edge].isContested, !has(topic, tag.tag) else { return (tag, topic) }
            return bind(id, of: edge, at: now, &failure)
        case .refused where !isBorn: return nil
        case .refused, .unknown: return bind(id, of: edge, at: now, &failure)
        }
    }

    private mutating func bind(
        _ id: SparkplugTagID, of edge: Int, at now: Milliseconds, _ failure: inout DecodeFailure?
    ) -> (tag: BoundTag, topic: Int)? {
        let (device, name) = edgeNodes[edge].session.tag(id)
        // Without its device it has no place; with the next birth it may have one.
        guard let topic = topic(of: device, edge, isBorn: false, at: now)?.number else { return nil }
        do throws(DecodeFailure) {
            let tag = try bind(metric: name, id, of: edge, topic: topic)
            guard case .bound(_, var capacity) = edgeNodes[edge].devices[Int(device.rawValue)] else { return nil }
            if grownTopics.last?.number != topic {
                grownTopics.append(GrownTopic(number: topic, known: Int(bindings[topic].tagCount)))
            }
            // It may have had it before.
            if !edgeNodes[edge].isContested || !tags(ofTopic: topic).contains(tag.tag) {
                append(tag, to: topic, &capacity)
            }
            edgeNodes[edge].devices[Int(device.rawValue)] = .bound(topic: topic, capacity: capacity)
            edgeNodes[edge].tags[Int(id.rawValue)] = .bound(tag, topic: topic)
            return (tag, topic)
        } catch {
            edgeNodes[edge].tags[Int(id.rawValue)] = .refused
            edgeNodes.refusedTags &+= 1
            failure = failure ?? error
            return nil
        }
    }

    private mutating func bind(
        metric name: String, _ id: SparkplugTagID, of edge: Int, topic: Int
    ) throws(DecodeFailure) -> BoundTag {
        let binding = bindings[topic]
        let device = devices[binding.device]
        let path: TagPath
        do throws(TagPath.Refusal) {
            path = try device.path.appending(name)
        } catch {
            throw .refused(.path(error))
        }
        guard !GatewayFault.isOwn(path) else { throw .refused(.own) }
        if let known = tags.id(of: path) {
            guard
                tags[known].device == binding.device || unclaimed.contains(known)
                    || claim(known, for: id, topic: topic, of: edge)
            else { throw .otherDevice(metric: name) }
        } else {
            guard roomForTags > 0 else {
                tally.tableFull &+= 1
                throw .refused(.tooManyTags)
            }
        }
        let definition = routes[Int(binding.route)].definition
        guard let tag = bound(path, ValueRule(), device: binding.device, shard: device.shard, of: definition) else {
            throw .refused(.tooManyTags)
        }
        return tag
    }

    // MARK: tags that an edge node and its device could both have

    /// Whether a device has a tag, and no other one may take it.
    private func has(_ topic: Int, _ tag: TagID) -> Bool {
        tags[tag].device == bindings[topic].device && !unclaimed.contains(tag)
    }

    /// Whether a metric takes a tag from who has it, which becomes unclaimed. Of an edge node and its devices a device that is there
    /// has what both could have, whichever was born first: so gateways agree that have heard the two in another order.
    private mutating func claim(_ tag: TagID, for id: SparkplugTagID, topic: Int, of edge: Int) -> Bool {
        let holder = tags[tag].device
        let number = edgeNodes[edge].devices.firstIndex {
            if case .bound(let topic, _) = $0 { bindings[topic].device == holder } else { false }
        }
        guard let number else { return false }
        let isOfNode = edgeNodes[edge].session.tag(id).device == .node
        edgeNodes[edge].isContested = true
        if isOfNode {
            let device = SparkplugDeviceID(rawValue: UInt32(clamping: number))
            guard edgeNodes[edge].session.device(device).state != .online else {
                edgeNodes[edge].yielded[tag] = id
                return false
            }
        } else if number != 0 {
            return false
        } else if let metric = metric(bound: tag, of: edge) {
            // It has it again when the device leaves the metric out.
            edgeNodes[edge].yielded[tag] = metric
        }
        unclaimed.insert(tag)
        return true
    }

    private func metric(bound tag: TagID, of edge: Int) -> SparkplugTagID? {
        let number = edgeNodes[edge].tags.firstIndex {
            if case .bound(let bound, _) = $0 { bound.tag == tag } else { false }
        }
        return number.map { SparkplugTagID(rawValue: UInt32(clamping: $0)) }
    }

    /// A device does not have a tag any more: the edge node's own metric may have it, from its next value on.
    mutating func giveBack(_ tag: TagID, of edge: Int) {
        guard let metric = edgeNodes[edge].yielded.removeValue(forKey: tag) else { return }
        edgeNodes[edge].tags[Int(metric.rawValue)] = .unknown
        unclaimed.insert(tag)
    }

    /// The same for all tags of a device that is not there any more.
    mutating func giveBack(tagsOf device: DeviceID, of edge: Int) {
        guard !edgeNodes[edge].yielded.isEmpty else { return }
        for tag in edgeNodes[edge].yielded.keys where tags[tag].device == device { giveBack(tag, of: edge) }
    }
}
