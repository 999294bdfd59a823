package import MirrorCore
import Synchronization

/// Where requests for artifacts are written down one by one (`log.redirects`), so that `cloud-mirror plan` can say what copies save. Off until it is opened.
package final class RedirectLog: Sendable {
    /// What is known of one request.
    package struct Request: Sendable {
        /// `nil` if it is not known.
        package let client: ClientNetwork?
        /// How long the answer took, without earlier hops; zero if it came from memory.
        package let duration: Duration

        package init(client: ClientNetwork?, duration: Duration) {
            self.client = client
            self.duration = duration
        }
    }

    /// Requests that got the same answer at the same time.
    package struct Entry: Sendable {
        package let time: Timestamp
        /// See ``name(of:)``.
        package let artifact: String
        package let pool: PoolID
        /// Of the artifact; `nil` where there is no copy that tells.
        package let bytes: Int64?
        package let outcome: Outcome
        package let requests: [Request]
    }

    private let isOpen = Atomic(false)
    private let write = Mutex<(@Sendable (Entry) -> Void)?>(nil)

    package init() {}

    /// Asked for each request, and quick.
    package var isOn: Bool { isOpen.load(ordering: .relaxed) }

    /// - Parameter write: Takes what is recorded from now on, on any thread, and does not block; `nil` turns the log off.
    package func open(_ write: (@Sendable (Entry) -> Void)?) {
        self.write.withLock { $0 = write }
        isOpen.store(write != nil, ordering: .relaxed)
    }

    package func record(
        _ artifact: ArtifactURL, in pool: PoolID, bytes: Int64?, _ outcome: Outcome, for requests: [Request], at time: Timestamp
    ) {
        guard isOn, let write = write.withLock({ $0 }) else { return }
        write(
            Entry(time: time, artifact: Self.name(of: artifact), pool: pool, bytes: bytes, outcome: outcome, requests: requests))
    }

    /// The URL without its query, which may hold a secret. Artifacts that differ in their query differ in the digits of the name's SHA-256 that stand in its place.
    static func name(of artifact: ArtifactURL) -> String {
        artifact.query == nil ? artifact.redacted : artifact.redacted + artifact.nameHash.prefix(16)
    }
}
