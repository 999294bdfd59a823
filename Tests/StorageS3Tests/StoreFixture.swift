import Logging
import MirrorCore
import MirrorNet
import MirrorStorage
import MirrorTesting
import NIOCore
import NIOPosix
import StorageCloud
import Synchronization
import TestServers

@testable import StorageS3

/// A store whose service is a ``FakeOrigin`` that says what a test wants it to say.
struct StoreFixture: Sendable {
    static let bucket = "test-bucket"

    let origin: FakeOrigin
    let credentials: GivenCredentials
    let store: S3Store

    static func run<Result>(
        credentials: GivenCredentials = GivenCredentials(), clock: any MirrorClock = HastyClock(),
        change: (inout S3Configuration) -> Void = { _ in }, isolation: isolated (any Actor)? = #isolation,
        _ body: (StoreFixture) async throws -> Result
    ) async throws -> Result {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return try await FakeOrigin.run { origin async throws in
            var configuration = S3Configuration(
                bucket: bucket, endpoint: S3Endpoint(url: try ArtifactURL(origin.url("/")), region: "us-east-1"), credentials: credentials)
            change(&configuration)
            let http = ServiceClient(
                configuration: OutboundConfiguration(userAgent: "test"), eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                logger: logger)
            let store = S3Store(configuration: configuration, http: http, clock: clock, logger: logger)
            return try await ending {
                try await body(StoreFixture(origin: origin, credentials: credentials, store: store))
            } with: {
                await http.shutdown()
            }
        }
    }

    /// Where an object is asked for.
    func path(_ object: SampleObject) -> String { "/\(Self.bucket)/\(PercentCoding.encode(path: object.key.description))" }

    /// Answers HEAD for an object.
    func hold(_ object: SampleObject, etag: String = "\"abc\"") {
        origin.on(path(object)) { request in
            request.method == "HEAD"
                ? FakeBehavior.body(Array(object.bytes.readableBytesView), etag: etag).with { $0.headers = Self.headers(of: object) }
                : .status(200)
        }
    }

    static func headers(of object: SampleObject) -> [(name: String, value: String)] {
        MetadataFields.s3.headers(MetadataFields.s3.kept(object.metadata)) + [("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")]
    }

    /// Answers the requests to a target in turn, and all that come later like the last: other than ``FakeOrigin`` does it by itself, those with another
    /// query do not count.
    func answer(_ target: String, _ behaviors: FakeBehavior...) {
        let turn = Turn()
        origin.on(target) { _ in behaviors[min(turn.next(), behaviors.count - 1)] }
    }

    private final class Turn: Sendable {
        private let count = Mutex(0)

        func next() -> Int {
            count.withLock { count in
                defer { count += 1 }
                return count
            }
        }
    }

    /// The words of an error as the service sends them.
    static func error(_ status: Int, _ code: String, _ more: String = "", headers: [(name: String, value: String)] = []) -> FakeBehavior {
        xml("<Error><Code>\(code)</Code><Message>A message.</Message>\(more)<RequestId>R1</RequestId></Error>", status: status).with {
            $0.headers += headers
        }
    }

    static func xml(_ text: String, status: Int = 200) -> FakeBehavior {
        .status(status, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\(text)")
    }
}

/// Credentials in their order: each time that some are refused, the next ones are given.
final class GivenCredentials: CredentialsProvider {
    private let sets: [S3Credentials?]
    private let index = Mutex(0)

    init(
        _ sets: [S3Credentials?] = [
            S3Credentials(accessKeyID: "FIRST", secretAccessKey: "secret-1"),
            S3Credentials(accessKeyID: "SECOND", secretAccessKey: "secret-2"),
        ]
    ) {
        self.sets = sets
    }

    var invalidations: Int { index.withLock { $0 } }

    func credentials() async throws -> S3Credentials? {
        let index = index.withLock { $0 }
        return sets[min(index, sets.count - 1)]
    }

    func invalidate(_ refused: S3Credentials) {
        index.withLock { $0 += 1 }
    }
}
