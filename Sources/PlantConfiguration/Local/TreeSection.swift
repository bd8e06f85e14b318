import Primitives

/// Reads the section `tree`.
extension LocalReader {
    func readTree(_ value: ConfigurationValue, plant: String?) -> TreeSettings? {
        guard let section = value.section(keys: ["embedded", "ensemble", "sessionTimeout", "chroot"] + Self.accessKeys)
        else { return nil }
        let sessionTimeout =
            section["sessionTimeout"]?.duration(in: .seconds(1) ... .seconds(120)) ?? .seconds(4)
        var chroot = "/linekeeper/" + (plant ?? "")
        if let override = section["chroot"], let text = override.text("a path such as /linekeeper/bottling") {
            if text.hasPrefix("/"), text != "/",
                text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).allSatisfy({
                    ConfigurationNames.objection(to: String($0)) == nil
                })
            {
                chroot = text
            } else {
                override.report("tree.chroot is \"\(text)\"", expected: "a path such as /linekeeper/bottling")
            }
        }
        let place: TreePlace
        switch (section["embedded"], section["ensemble"]) {
        case (.some, .some(let ensemble)):
            ensemble.report("tree has both embedded and ensemble", expected: "one of them")
            return nil
        case (nil, nil):
            value.report(
                "tree says not where the tree is",
                expected: "embedded: {data: DIR, listen: HOST:PORT} or ensemble: HOST:PORT,…")
            return nil
        case (.some(let embedded), nil):
            guard let settings = readEmbedded(embedded, sessionTimeout: sessionTimeout) else { return nil }
            place = .embedded(settings)
            for key in Self.accessKeys {
                section[key]?.warn("tree.\(key) has no effect on the embedded tree", expected: "ensemble: HOST:PORT,…")
            }
        case (nil, .some(let ensemble)):
            guard let servers = readServers(ensemble) else { return nil }
            place = .ensemble(servers)
        }
        return TreeSettings(place: place, access: readAccess(section), sessionTimeout: sessionTimeout, chroot: chroot)
    }

    private func readEmbedded(_ value: ConfigurationValue, sessionTimeout: Duration) -> EmbeddedTreeSettings? {
        guard let section = value.section(keys: ["data", "listen", "tick"]) else { return nil }
        let data = section.required("data", "the folder that holds the tree")?.string()
        var listen: [HostAndPort] = []
        for element in section["listen"]?.list(of: "addresses") ?? [] {
            guard let text = element.text("HOST:PORT") else { continue }
            guard let address = HostAndPort(text, defaultPort: 2181) else {
                element.report("\(element.name) is \"\(text)\"", expected: "HOST:PORT, such as 127.0.0.1:2181")
                continue
            }
            if !address.isLoopback {
                element.warn(
                    "the embedded tree will listen on \(address), where whoever reaches it can change everything",
                    expected: "a loopback address such as 127.0.0.1:2181, or a firewall")
            }
            listen.append(address)
        }
        if section["listen"] == nil { listen = [HostAndPort(host: "127.0.0.1", port: 2181)] }
        // A server accepts session timeouts from 2 to 20 ticks.
        let longest = sessionTimeout / 2
        let shortest = max(sessionTimeout / 20, .milliseconds(10))
        var tick = min(.seconds(2), longest)
        if let value = section["tick"], let given = value.duration(in: .milliseconds(10) ... .seconds(60)) {
            if given > longest || given < shortest {
                value.report(
                    "tree.embedded.tick \(DurationSyntax.text(given)) does not allow a sessionTimeout of \(DurationSyntax.text(sessionTimeout))",
                    expected:
                        "a tick from \(DurationSyntax.text(shortest)) to \(DurationSyntax.text(longest)) (2 to 20 ticks a session)"
                )
            }
            tick = given
        }
        guard let data, !listen.isEmpty else { return nil }
        let folder = value.path(data)
        if machine.othersMayWrite(into: folder) {
            section["data"]?.warn(
                "tree.embedded.data: everybody on this machine may write into \(folder), and so replace the tree",
                expected: "a folder for its owner alone: chmod o-w \(folder)")
        }
        return EmbeddedTreeSettings(data: folder, listen: listen, tick: tick)
    }

    private func readServers(_ value: ConfigurationValue) -> String? {
        var servers: [String] = []
        for element in value.list(of: "addresses") ?? [] {
            guard let text = element.text("HOST:PORT,HOST:PORT,…") else { return nil }
            guard !text.contains("/") else {
                element.report(
                    "\(element.name) \"\(text)\" contains a path", expected: "HOST:PORT,…; the path goes to tree.chroot"
                )
                return nil
            }
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                let trimmed = String(part.filter { $0 != " " })
                guard let address = HostAndPort(trimmed, defaultPort: 2181), address.port > 0 else {
                    element.report("\(element.name): \"\(trimmed)\" is not an address", expected: "HOST:PORT")
                    return nil
                }
                servers.append(address.description)
            }
        }
        return servers.isEmpty ? nil : servers.joined(separator: ",")
    }
}
