/// Calls `body` with each item, at most `limit` at a time.
///
/// - Returns: What the calls returned, in the order of the items.
/// - Throws: The first error; calls in progress end first, and no other is begun.
func concurrently<Item: Sendable, Value: Sendable>(
    _ items: [Item], limit: Int, _ body: @escaping @Sendable (Item) async throws -> Value
) async throws -> [Value] {
    try await withThrowingTaskGroup(of: (Int, Value).self) { group in
        var values = [Value?](repeating: nil, count: items.count)
        for (index, item) in items.enumerated() {
            if index >= limit, let (index, value) = try await group.next() { values[index] = value }
            group.addTask { (index, try await body(item)) }
        }
        while let (index, value) = try await group.next() { values[index] = value }
        return values.compactMap(\.self)
    }
}
