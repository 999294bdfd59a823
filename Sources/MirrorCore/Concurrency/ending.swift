/// Calls `body`, and then `end`, whether it has returned or thrown.
package func ending<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result, with end: () async -> Void
) async throws -> Result {
    do {
        let result = try await body()
        await end()
        return result
    } catch {
        await end()
        throw error
    }
}
