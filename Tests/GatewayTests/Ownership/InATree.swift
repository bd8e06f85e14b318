import Testing

/// Tests with whole gateways' ownership at a tree server of their own, one after the other: each keeps some hundred
/// candidacies busy, and their leases run in real time.
@Suite("In a tree", .serialized)
enum InATree {}
