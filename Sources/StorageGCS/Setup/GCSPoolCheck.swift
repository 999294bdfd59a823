import MirrorCore
import MirrorNet
package import MirrorStorage
import NIOCore
import StorageCloud

/// Tries everything that a pool needs of its bucket, and says what is wrong in words that say what to do.
///
/// It writes objects of its own, whose keys say what they are, and removes them again.
package struct GCSPoolCheck: Sendable {
    let setup: GCSPoolSetup
    /// Where credentials come from, for people.
    let credentialsSource: String

    var configuration: GCSConfiguration { setup.configuration }
    private var target: GCSPoolTarget { setup.target }
    private var connection: GCSConnection { setup.client.connection }
    private var probe: ServiceProbe { ServiceProbe(http: connection.http, clock: connection.clock) }

    /// The pool's own, with all that it writes in a folder whose name says what it is.
    var probeStore: GCSStore {
        var probe = configuration
        probe.reading.keyPrefix += ProbeObjects.folder
        return GCSStore(configuration: probe, connection: connection)
    }

    /// - Parameter report: Gets each line as soon as it is known.
    /// - Returns: Whether nothing is wrong.
    package func run(report: (SetupLine) -> Void) async throws -> Bool {
        var isFine = true
        func say(_ mark: SetupLine.Mark, _ text: String) {
            if mark == .error { isFine = false }
            report(SetupLine(mark, text))
        }
        let endpoint = target.endpoint
        guard try await checkCredentials(say),
            try await probe.checkEndpoint(scheme: endpoint.scheme, host: endpoint.host, port: endpoint.port, named: endpoint.url, say)
        else { return false }
        let bucket = try await checkBucket(say)
        guard bucket.isUsable else { return false }
        try await checkObjects(say)
        checkLifecycle(say, bucket.settings)
        return isFine
    }

    typealias Say = (SetupLine.Mark, String) -> Void

    // MARK: Before the objects

    private func checkCredentials(_ say: Say) async throws -> Bool {
        try await probe.checkCredentials(configuration.credentials, source: credentialsSource, name: { $0.owner ?? "a token" }, say)
    }

    /// - Returns: The bucket's settings, where they can be seen, and whether the check can continue.
    private func checkBucket(_ say: Say) async throws -> (settings: GCSBucket?, isUsable: Bool) {
        do {
            switch try await setup.bucket() {
            case .value(let bucket?):
                guard bucket.location == target.location.lowercased() else {
                    say(
                        .error,
                        "bucket: \(target.bucket) is in \(bucket.location), and the pool is for \(target.location): write `region: \(bucket.location)`"
                    )
                    return (nil, false)
                }
                say(.ok, "bucket: \(target.bucket) exists in \(bucket.location)")
                return (bucket, true)
            case .value(nil):
                say(.error, "bucket: there is no bucket \(target.bucket): run `cloud-mirror pools apply`, or correct its name or endpoint")
                return (nil, false)
            case .unsupported:
                say(.warning, "bucket: \(target.endpoint.url) does not say what settings the bucket has")
                return (nil, true)
            case .unknown(let reason):
                say(.warning, "bucket: \(reason)")
                return (nil, true)
            }
        } catch let error as StorageError {
            say(.error, "bucket: \(error.message)")
            return (nil, false)
        }
    }

    // MARK: Clients

    func checkReading(_ say: Say, _ store: GCSStore, _ name: String, _ body: ByteBuffer) async throws {
        let plain = store.client.url(ofKey: name, base: configuration.reading.publicURL)
        switch configuration.reading.access {
        case .public:
            let advice = ServiceProbe.adviceOnReading(isReadElsewhere: target.isReadElsewhere)
            try await probe.checkReading(plain, expecting: body, sign: nil, advice: advice, errors: .gcs, say)
        case .presigned:
            let advice =
                "the account that signs must be allowed to read objects, "
                + "and the way from clients to the bucket must leave Host, path and query as they are"
            try await probe.checkReading(
                plain, expecting: body, kind: "signed",
                sign: { try await store.client.signedURL(ofKey: name, base: configuration.reading.publicURL, life: .seconds(60)).url },
                advice: advice, errors: .gcs, say)
        }
    }

    // MARK: Lifecycle

    private func checkLifecycle(_ say: Say, _ bucket: GCSBucket?) {
        guard let bucket else { return say(.warning, "lifecycle: cannot be read") }
        for rule in bucket.lifecycle.premature(for: target) { say(.error, "lifecycle: \(rule.premature(for: target))") }
        if bucket.lifecycle.hasExpiry(of: target), bucket.lifecycle.hasCleanup(of: target) {
            say(.ok, "lifecycle: forgotten objects and uploads expire")
        } else {
            say(.warning, "lifecycle: nothing deletes forgotten objects or uploads: run `cloud-mirror pools apply`")
        }
        if bucket.softDeleteSeconds > 0 {
            say(.warning, "soft deletion: what the mirror deletes is kept and charged for, for \(bucket.softDeleteSeconds / 86_400) days")
        }
    }
}
