import ArgumentParser
import MirrorCore

/// Completes pool names in the shell, from the mirror that the command would use.
enum PoolCompletion {
    /// Seconds; short, because somebody is waiting at the keyboard.
    private static let patience: Int64 = 2

    static let kind = CompletionKind.custom { words, _, _ in await names(after: words) }

    /// - Parameter words: The command line so far; a mirror or token that it names is used.
    /// - Returns: An empty list if there is no mirror or it refuses to answer.
    static func names(after words: [String]) async -> [String] {
        let options = ["--mirror", "--server", "--token-file", "--state-dir"]
        let pairs = zip(words, words.dropFirst()).filter { options.contains($0.0) }.flatMap { [$0.0, $0.1] }
        guard let admin = try? AdminOptions.parse(pairs), let address = try? admin.mirror.address() else { return [] }
        let names = try? await admin.quietly(address, patience: patience) { client in
            let answer: PoolsCall.Answer = try await client.call(client.address.pools)
            return answer.pools.map { TextTable.printable($0.pool) }
        }
        return names ?? []
    }
}
