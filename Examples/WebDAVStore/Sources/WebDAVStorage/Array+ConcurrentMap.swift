extension Array where Element: Sendable {
    /// What `transform` makes of each element, in their order.
    ///
    /// - Parameter width: Elements at the same time, 1 or more.
    /// - Throws: What `transform` throws first; the others are cancelled.
    func concurrentMap<Value: Sendable>(
        width: Int, _ transform: @escaping @Sendable (Element) async throws -> Value
    ) async throws -> [Value] {
        try await withThrowingTaskGroup(of: (Int, Value).self) { group in
            var values: [Value?] = Array<Value?>(repeating: nil, count: count)
            for (index, element) in enumerated() {
                if index >= width, let (done, value) = try await group.next() { values[done] = value }
                group.addTask { (index, try await transform(element)) }
            }
            for try await (done, value) in group { values[done] = value }
            return values.compactMap { $0 }
        }
    }
}
