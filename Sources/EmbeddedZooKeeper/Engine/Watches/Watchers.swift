/// Connections, each once, that are told of something.
///
/// Told in the order in which they were opened, so that the same happens each time. With very many it is also several times
/// as fast as any other order: what belongs to a connection lies where memory was free when it was opened.
struct Watchers {
    private var clients: [UInt64: Client] = [:]

    init() {}

    init(_ clients: [Client]) {
        self.clients.reserveCapacity(clients.count)
        for client in clients { insert(client) }
    }

    var isEmpty: Bool { clients.isEmpty }

    /// In the order of their numbers, which are looked at without a look at the connections themselves.
    var inOrder: [Client] {
        clients.count == 1 ? Array(clients.values) : clients.keys.sorted().compactMap { clients[$0] }
    }

    mutating func insert(_ client: Client) { clients[client.number] = client }

    mutating func remove(_ client: Client) { clients[client.number] = nil }

    mutating func formUnion(_ others: Watchers) { clients.merge(others.clients) { client, _ in client } }
}
