import ArgumentParser
import MirrorCore
import MirrorSystem

/// Selects the mirror to talk to.
struct MirrorOptions: ParsableArguments {
    @Option(
        name: [.long, .customLong("server")],
        help: ArgumentHelp("The mirror's URL (default: $\(MirrorAddress.variable), else \(MirrorAddress.fallback)).", valueName: "url"))
    var mirror: String?

    func address() throws(CommandFailure) -> MirrorAddress {
        let text = mirror ?? Terminal.variable(MirrorAddress.variable) ?? MirrorAddress.fallback
        do {
            return try MirrorAddress(text)
        } catch {
            let source = mirror == nil ? "$\(MirrorAddress.variable)" : "--mirror"
            throw CommandFailure("\(source) is not the URL of a mirror: \(error.reason)", exit: .usage)
        }
    }
}

/// The options of commands that make admin calls.
struct AdminOptions: ParsableArguments {
    static let variable = "CLOUD_MIRROR_TOKEN"

    @OptionGroup var mirror: MirrorOptions

    @Option(
        name: .long,
        help: ArgumentHelp(
            "File whose first line is an admin token (default: the token in $\(variable), else the one in the state directory of a mirror on this machine).",
            valueName: "file"),
        completion: .file())
    var tokenFile: String?

    @Option(
        help: ArgumentHelp("State directory of the mirror on this machine, which holds its own admin token.", valueName: "directory"),
        completion: .directory)
    var stateDir: String?

    @Flag(help: "Print the mirror's JSON instead of a table.")
    var json = false

    /// Runs a command: calls `body` with a client for the mirror, shuts the client down, and reports a failure.
    func withClient(_ body: (AdminClient) async throws -> Void) async throws {
        try await reportingFailures { try await quietly(mirror.address(), patience: 60, body) }
    }

    /// Makes a call, and prints its answer: as JSON if that was asked for, otherwise as text.
    func show<Body>(_ url: (MirrorAddress) -> String, _ text: (WholeAnswer<Body>) -> String) async throws {
        try await withClient { client in
            let answer: WholeAnswer<Body> = try await client.call(url(client.address))
            print(json ? answer.json.text + "\n" : text(answer), terminator: "")
        }
    }

    /// The same as ``withClient(_:)`` without reporting failures.
    ///
    /// - Parameter patience: A call fails after this many seconds without a byte.
    func quietly<Result>(
        _ address: MirrorAddress, patience: Int64, _ body: (AdminClient) async throws -> Result
    ) async throws -> Result {
        let given = try token()
        let local = given == nil ? LocalTokens(of: address.url, stateDirectory: stateDir) : nil
        return try await HTTPTransport.withClient(readTimeout: patience, localhost: local?.host) { transport in
            try await body(AdminClient(address: address, token: given, localTokens: local, transport: transport))
        }
    }

    private func token() throws(CommandFailure) -> String? {
        guard let tokenFile else { return Terminal.variable(Self.variable) }
        let bytes: [UInt8]
        do throws(SmallFile.Problem) {
            bytes = try SmallFile.read(tokenFile, limit: 65_536).bytes
        } catch {
            throw CommandFailure("the token file \(tokenFile) cannot be read: \(error)")
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        guard let first = lines.lazy.map({ $0.filter { !$0.isWhitespace } }).first(where: { !$0.isEmpty && !$0.hasPrefix("#") }) else {
            throw CommandFailure("the token file \(tokenFile) holds no token")
        }
        return first
    }
}
