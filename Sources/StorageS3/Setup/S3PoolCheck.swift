import MirrorCore
import MirrorNet
package import MirrorStorage
import NIOCore
import StorageCloud

/// Tries everything that a pool needs from its bucket, and reports what is wrong and what to do about it.
///
/// It writes an object of its own, whose key says what it is, and removes it again.
package struct S3PoolCheck: Sendable {
    let setup: S3PoolSetup
    /// The source of the credentials, for messages.
    let credentialsSource: String

    var client: S3Client { setup.client }
    var clock: any MirrorClock { setup.clock }
    var configuration: S3Configuration { setup.configuration }
    private var probe: ServiceProbe { ServiceProbe(http: client.http, clock: clock) }
    private var target: S3PoolTarget { setup.target }

    /// The pool's store, with a key prefix whose name says what the objects are.
    var probeStore: S3Store {
        var probe = configuration
        probe.endpoint = client.endpoint
        probe.reading.keyPrefix += ProbeObjects.folder
        return S3Store(configuration: probe, http: client.http, clock: clock, logger: client.logger)
    }

    /// - Parameter report: Called with each line as soon as it is known.
    /// - Returns: Whether nothing is wrong.
    package func run(report: (SetupLine) -> Void) async throws -> Bool {
        var isFine = true
        func say(_ mark: SetupLine.Mark, _ text: String) {
            if mark == .error { isFine = false }
            report(SetupLine(mark, text))
        }
        guard try await checkCredentials(say), try await checkEndpoint(say), try await checkBucket(say) else { return false }
        try await checkObjects(say)
        try await checkLifecycle(say)
        return isFine
    }

    typealias Say = (SetupLine.Mark, String) -> Void

    // MARK: Before the bucket

    private func checkCredentials(_ say: Say) async throws -> Bool {
        try await probe.checkCredentials(configuration.credentials, source: credentialsSource, name: { $0.accessKeyID }, say)
    }

    private func checkEndpoint(_ say: Say) async throws -> Bool {
        let endpoint = target.endpoint
        return try await probe.checkEndpoint(
            scheme: endpoint.scheme, host: endpoint.host, port: endpoint.port, named: endpoint.url, say)
    }

    private func checkBucket(_ say: Say) async throws -> Bool {
        do {
            switch try await setup.existence() {
            case .value(true): break
            case .value(false):
                say(.error, "bucket: there is no bucket \(target.bucket): run `cloud-mirror pools apply`, or correct its name or endpoint")
                return false
            case .unsupported:
                say(.error, "bucket: \(target.endpoint.url) is not an S3 server that says which buckets it has")
                return false
            case .unknown(let reason):
                say(.error, "bucket: \(reason)")
                return false
            }
            let region = try await setup.region()
            if let region, region != target.endpoint.region, target.endpoint.isAWS {
                say(
                    .error,
                    "bucket: \(target.bucket) is in \(region), and the pool is for \(target.endpoint.region): write `region: \(region)`")
                return false
            }
            say(.ok, "bucket: \(target.bucket) exists\(region.map { " in \($0)" } ?? "")")
            return true
        } catch let error as StorageError {
            say(.error, "bucket: \(error.message)")
            return false
        }
    }

    // MARK: Clients

    func checkReading(_ say: Say, _ key: String, _ body: ByteBuffer) async throws {
        let plain = client.url(ofKey: key, base: configuration.reading.publicURL)
        switch configuration.reading.access {
        case .public:
            let advice = ServiceProbe.adviceOnReading(isReadElsewhere: target.isReadElsewhere)
            try await probe.checkReading(plain, expecting: body, sign: nil, advice: advice, errors: .s3, say)
        case .presigned:
            let advice = "the way from clients to the bucket must leave Host, path and query as they are"
            try await probe.checkReading(
                plain, expecting: body,
                sign: { try await client.presignedURL(ofKey: key, base: configuration.reading.publicURL, life: .seconds(60)).url },
                advice: advice, errors: .s3, say)
        }
    }

    // MARK: Lifecycle

    private func checkLifecycle(_ say: Say) async throws {
        do {
            switch try await setup.lifecycle() {
            case .unsupported: say(.ok, "lifecycle: not supported by this server; the mirror deletes what it does not keep")
            case .unknown(let reason): say(.warning, "lifecycle: cannot be read: \(reason)")
            case .value(let known):
                let lifecycle = known ?? S3Lifecycle()
                for rule in lifecycle.premature(for: target) { say(.error, "lifecycle: \(target.premature(rule))") }
                if lifecycle.hasExpiry(of: target), lifecycle.hasAbort(of: target) {
                    say(.ok, "lifecycle: forgotten objects and uploads expire")
                } else {
                    say(.warning, "lifecycle: nothing deletes forgotten objects or uploads: run `cloud-mirror pools apply`")
                }
            }
        } catch let error as StorageError {
            say(.warning, "lifecycle: \(error.message)")
        }
    }
}
