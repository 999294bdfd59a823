import MirrorCore
import MirrorNet
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

/// Tries everything that a pool needs of its container, and says what is wrong in words that say what to do.
///
/// It writes objects of its own, whose keys say what they are, and removes them again.
struct AzurePoolCheck: Sendable {
    let setup: AzurePoolSetup

    var configuration: AzureConfiguration { setup.configuration }
    var client: AzureClient { setup.client }
    private var probe: ServiceProbe { ServiceProbe(http: setup.http, clock: setup.clock) }
    private var target: AzurePoolTarget { setup.target }

    /// The pool's own, with all that it writes in a folder whose name says what it is.
    var probeStore: AzureStore {
        var probe = configuration
        probe.reading.keyPrefix += ProbeObjects.folder
        return AzureStore(
            configuration: probe, http: setup.http, clock: setup.clock, clockOffset: client.clockOffset, logger: setup.logger)
    }

    typealias Say = (SetupLine.Mark, String) -> Void

    /// - Parameter report: Is told each line as soon as it is known.
    /// - Returns: Whether nothing is wrong.
    func run(report: (SetupLine) -> Void) async throws -> Bool {
        var isFine = true
        func say(_ mark: SetupLine.Mark, _ text: String) {
            if mark == .error { isFine = false }
            report(SetupLine(mark, text))
        }
        guard try await checkCredentials(say), try await checkEndpoint(say), try await checkContainer(say) else { return false }
        try await checkObjects(say)
        say(
            .ok,
            "lifecycle: the mirror deletes what it does not keep; a rule for forgotten objects is a setting of the account "
                + "(`pools apply` shows one)")
        return isFine
    }

    // MARK: Before the container

    private func checkCredentials(_ say: Say) async throws -> Bool {
        try await probe.checkCredentials(
            configuration.credentials, source: setup.credentialsSource, name: { $0.name },
            end: { credentials, end in
                if case .token = credentials.kind { return ", which expires at \(end.iso8601) and is renewed before" }
                return ", which expires at \(end.iso8601)"
            }, say)
    }

    private func checkEndpoint(_ say: Say) async throws -> Bool {
        let endpoint = configuration.endpoint
        return try await probe.checkEndpoint(
            scheme: endpoint.scheme, host: endpoint.host, port: endpoint.port, named: endpoint.url, say)
    }

    private func checkContainer(_ say: Say) async throws -> Bool {
        do {
            switch try await setup.state().exists {
            case .value(true):
                say(.ok, "container: \(target.container) exists in the account \(target.account)")
                return true
            case .value(false):
                say(
                    .error,
                    "container: there is no container \(target.container): run `cloud-mirror pools apply`, or correct its name or endpoint")
            case .unsupported:
                say(.error, "container: \(target.place) is not Azure Blob Storage, or does not say which containers it has")
            case .unknown(let reason): say(.error, "container: \(reason)")
            }
        } catch let error as StorageError {
            say(.error, "container: \(error.message)")
        }
        return false
    }

    // MARK: Clients

    func checkReading(_ say: Say, _ name: String, _ body: ByteBuffer) async throws {
        let plain = client.url(ofBlob: name, base: configuration.reading.publicURL)
        switch configuration.reading.access {
        case .public:
            let advice =
                target.isReadElsewhere
                ? "the server behind publicURL must give everyone the container's objects"
                : "run `cloud-mirror pools apply`, which makes them public; if it has, the account does not allow public access: run "
                    + "`az storage account update --name \(target.account) --allow-blob-public-access true`, or choose "
                    + "`access: presigned`"
            try await probe.checkReading(plain, expecting: body, sign: nil, advice: advice, errors: .azure, say)
        case .presigned:
            let advice =
                "the way from clients to the container must leave path and query as they are, and the account's firewall must let "
                + "clients in"
            try await probe.checkReading(
                plain, expecting: body,
                sign: { try await client.signedURL(ofBlob: name, base: configuration.reading.publicURL, life: .seconds(60)).url },
                advice: advice, errors: .azure, say)
        }
    }
}
