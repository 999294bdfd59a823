import Foundation
import Logging
import MirrorCore
import MirrorNet
import MirrorStorage
import MirrorTesting
import NIOCore
import NIOPosix
import TestServers
import Testing

/// A cloud that a server plays, which can be asked for faults.
enum FaultCloud: String, CaseIterable, Sendable {
    case gcs, azure

    /// What scripts/servers.sh says of the server: `ENDPOINT`.
    func required(_ name: String) throws -> String {
        let variable = "CLOUD_MIRROR_TEST_\(rawValue.uppercased())_\(name)"
        return try #require(
            ProcessInfo.processInfo.environment[variable], "\(variable) is not set; run these tests with `make test`, which sets it")
    }

    /// Whether tests of both run: where the servers are missed they run too, and fail.
    static var areExpected: Bool {
        let environment = ProcessInfo.processInfo.environment
        let variables = allCases.map { "CLOUD_MIRROR_TEST_\($0.rawValue.uppercased())_ENDPOINT" }
        return environment["CI"] == "true" || variables.allSatisfy { environment[$0] != nil }
    }
}

/// A store in a bucket of its own, on a server that fails its requests as a test wants.
///
/// All of its requests, also those for tokens, have a `User-Agent` of their own, and faults apply only to them.
struct FaultScene: Sendable {
    /// What requests are authorized with.
    enum Credentials: Sendable, CaseIterable {
        case token, key
    }

    /// What a store is opened with.
    struct Place: Sendable {
        let cloud: FaultCloud
        let credentials: Credentials
        /// The server, with TLS or without.
        let url: String
        let bucket: String
        let http: ServiceClient
        let control: CloudControl

        /// No pause between attempts takes any time.
        let clock = SkippingClock()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    }

    /// A store in a bucket that was just made.
    struct Opened: Sendable {
        let store: any ObjectStore
        /// Puts something of somebody else's into the bucket.
        let putOther: @Sendable (_ name: String) async throws -> Void
        /// All that is in the bucket, whoever put it there.
        let names: @Sendable () async throws -> Set<String>
        /// Ends all tokens that were given out.
        let revoke: @Sendable () async throws -> Void
        let close: @Sendable () async -> Void
    }

    let place: Place
    let opened: Opened
    /// The store in all of its layers, as the mirror has it.
    let store: any ObjectStore
    private let agent: String

    /// More scenes at the same time would take the machine from the other tests, some of which limit how long a call may take.
    private static let turns = FairSemaphore<Int>(limit: 2)

    /// The store without layers.
    var bare: any ObjectStore { opened.store }

    static func run(
        _ cloud: FaultCloud, _ credentials: Credentials = .token, overTLS isOverTLS: Bool = false, _ body: (FaultScene) async throws -> Void
    ) async throws {
        try await turns.withPermit(0) { try await runNow(cloud, credentials, overTLS: isOverTLS, body) }
    }

    private static func runNow(
        _ cloud: FaultCloud, _ credentials: Credentials, overTLS isOverTLS: Bool, _ body: (FaultScene) async throws -> Void
    ) async throws {
        let agent = "faults/\(UInt64.random(in: .min ... .max))"
        var outbound = OutboundConfiguration(userAgent: agent)
        if isOverTLS { outbound.certificateAuthorities = try cloud.required("CA") }
        let http = ServiceClient(
            configuration: outbound, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let place = Place(
            cloud: cloud, credentials: credentials, url: try cloud.required(isOverTLS ? "TLS_ENDPOINT" : "ENDPOINT"),
            bucket: "faults-\(UInt64.random(in: .min ... .max))", http: http, control: CloudControl(try cloud.required("ENDPOINT")))
        do {
            let opened = try await cloud == .gcs ? openGCS(place) : openAzure(place)
            let pool = try requireValue(PoolID(service: cloud.rawValue, region: "faults"), "pool")
            let store = StoreLayers(operations: 64, patience: .seconds(60)).around(opened.store, pool: pool, clock: place.clock)
            do {
                try await body(FaultScene(place: place, opened: opened, store: store, agent: agent))
                await opened.close()
            } catch {
                await opened.close()
                throw error
            }
            await http.shutdown()
        } catch {
            await http.shutdown()
            throw error
        }
    }

    /// Runs `body` while requests of this store have a fault.
    ///
    /// - Parameter path: What their decoded path and query contain.
    /// - Returns: How many had it.
    @discardableResult
    func with(path: String = "", _ change: (inout CloudFault) -> Void, _ body: () async throws -> Void) async throws -> Int {
        var fault = CloudFault(path, change)
        fault.header = CloudFault.Field("user-agent", contains: agent)
        return try await place.control.with(fault, body)
    }

    /// The requests about the bucket, oldest first.
    func requests() async throws -> [CloudControl.Request] { try await place.control.requests(place.bucket) }

    /// Ends all tokens that were given out, at a time when new ones may be asked for: those that have just come are not replaced.
    func revoke() async throws {
        try await opened.revoke()
        place.clock.skip(.seconds(10))
    }

    // MARK: Objects

    /// Bytes of a part of an object that has several.
    static let partSize: Int64 = 5 << 20

    /// Stores an object as the copy engine does: in parts that are in memory.
    func put(_ object: SampleObject) async throws {
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
        do {
            for part in object.parts(of: Self.partSize) {
                let bytes = try object.slice(part.offset, part.length ?? 0)
                _ = try await upload.write(part, from: ByteStream(bytes))
            }
            _ = try await upload.complete(size: object.size, sha256: object.sha256, condition: .absent)
        } catch {
            await upload.abort()
            throw error
        }
    }

    /// Stores an object whose length nobody knows, from a stream that can be read once.
    func stream(_ object: SampleObject) async throws {
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
        do {
            var rest = object.bytes
            let chunks = AsyncStream(ByteBuffer.self) { continuation in
                while let chunk = rest.readSlice(length: min(max(rest.readableBytes, 1), 1 << 20)) { continuation.yield(chunk) }
                continuation.finish()
            }
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: nil), from: ByteStream(chunks))
            _ = try await upload.complete(size: object.size, sha256: object.sha256, condition: .absent)
        } catch {
            await upload.abort()
            throw error
        }
    }

    /// Whether the pool has the object, byte for byte.
    func holds(_ object: SampleObject) async throws -> Bool {
        try await store.get(object.key, range: nil).body.collect(upTo: 64 << 20) == object.bytes
    }

    /// All keys that the pool lists, a page after the other.
    func keys(limit: Int) async throws -> [ObjectKey] {
        var keys: [ObjectKey] = []
        while true {
            let page = try await store.list(after: keys.last, limit: limit)
            keys += page.map(\.key)
            if page.count < limit { return keys }
        }
    }

    /// What a client without credentials gets at the object's location.
    func read(_ object: SampleObject) async throws -> ByteBuffer? {
        let url = try ArtifactURL(try await store.location(of: object.key, life: .seconds(600)).url)
        let target = url.query.map { "\(url.path)?\($0)" } ?? url.path
        let answer = try await place.http.collect(
            ServiceRequest(scheme: url.scheme, host: url.host, port: url.port, target: target), upTo: 64 << 20)
        return answer.status == 200 ? answer.body : nil
    }
}
