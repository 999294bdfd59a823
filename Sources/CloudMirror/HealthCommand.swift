import ArgumentParser
import AsyncHTTPClient
import MirrorCore
import NIOHTTP1

/// `cloud-mirror health`: for containers and scripts, which need an exit code and have no HTTP client.
struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Test whether a mirror answers.",
        discussion: """
            Needs no token. With --ready, the mirror must also be able to do its work: its state and at least one of its pools must answer.
            """ + CommandExit.help(.success, .failed, .usage, .unreachable))

    @OptionGroup var mirror: MirrorOptions

    @Flag(help: "Ask /readyz instead of /healthz, and print the components that do not work.")
    var ready = false

    /// Seconds; with a pool that hangs, a mirror takes two to answer.
    private static let patience: Int64 = 4
    private static let maxAnswer = 65_536

    func run() async throws {
        try await reportingFailures {
            let address = try mirror.address()
            try await HTTPTransport.withClient(readTimeout: Self.patience) { transport in
                let (status, body) = try await ask(transport, address)
                guard status != 200 else { return }
                let answer = try? JSONText.decode(body) as HealthCall.Readiness
                let broken = answer?.checks.filter { $0.value != HealthCall.ok }.sorted { $0.key < $1.key } ?? []
                let lines = broken.map { "\n\($0.key): \($0.value)" }.joined()
                throw CommandFailure("the mirror at \(address) answered with status \(status)\(lines)")
            }
        }
    }

    private func ask(_ transport: HTTPTransport, _ address: MirrorAddress) async throws(CommandFailure) -> (UInt, [UInt8]) {
        do throws(HTTPTransport.Unreachable) {
            let response = try await transport.send(.GET, ready ? address.readiness : address.liveness, timeout: Self.patience)
            return (response.status.code, await HTTPTransport.body(of: response, limit: Self.maxAnswer))
        } catch {
            throw CommandFailure("cannot reach the mirror at \(address): \(error.reason)", exit: .unreachable)
        }
    }
}
