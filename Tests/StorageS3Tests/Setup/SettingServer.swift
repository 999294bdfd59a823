import StorageCloud
import Synchronization
import TestServers

@testable import StorageS3

/// A bucket in memory that has settings, of a server that knows some of them and takes others badly.
final class SettingServer: Sendable {
    struct State: Sendable {
        var exists = true
        var settings: Set<String> = []
        var objects: Set<String> = []
        /// Every setting or removal, in order: `PUT policy`.
        var changes: [String] = []
    }

    static let all: Set<String> = ["ownershipControls", "publicAccessBlock", "policy", "lifecycle"]

    private let supported: Set<String>
    /// Of this bucket nothing can be written any more.
    private let isReadOnly: @Sendable (Set<String>) -> Bool
    private let state: Mutex<State>

    init(exists: Bool = true, supported: Set<String> = all, isReadOnly: @escaping @Sendable (Set<String>) -> Bool = { _ in false }) {
        self.supported = supported
        self.isReadOnly = isReadOnly
        state = Mutex(State(exists: exists))
    }

    var current: State { state.withLock { $0 } }

    func answer(_ request: FakeOrigin.Request) -> FakeBehavior {
        state.withLock { state in
            let query = String(request.uri.split(separator: "?").dropFirst().first ?? "").replacing("=", with: "")
            if request.path != "/bucket" { return object(request, &state) }
            if request.method == "PUT", query.isEmpty {
                state.exists = true
                return .status(204)
            }
            guard state.exists else { return StoreFixture.error(404, "NoSuchBucket") }
            switch request.method {
            case "HEAD": return .status(200)
            case "GET" where query == "location": return StoreFixture.xml("<LocationConstraint/>")
            // As OpenStack Swift does: what it does not know is a listing.
            case "GET" where !supported.contains(query): return StoreFixture.xml("<ListBucketResult/>")
            case "GET": return StoreFixture.error(404, Self.absent[query] ?? "")
            case "PUT", "DELETE":
                guard supported.contains(query) else { return StoreFixture.error(400, "MalformedXML") }
                if request.method == "PUT" { state.settings.insert(query) } else { state.settings.remove(query) }
                state.changes.append("\(request.method) \(query)")
                return .status(204)
            default: return .status(405)
            }
        }
    }

    private func object(_ request: FakeOrigin.Request, _ state: inout State) -> FakeBehavior {
        switch request.method {
        case "PUT":
            guard state.exists, !isReadOnly(state.settings) else { return StoreFixture.error(403, "AccessDenied") }
            state.objects.insert(request.path)
            return FakeBehavior.status(204).with { $0.etag = "\"e\"" }
        case "DELETE":
            state.objects.remove(request.path)
            return .status(204)
        default:
            guard state.objects.contains(request.path) else { return StoreFixture.error(404, "NoSuchKey") }
            return .text("Written by `cloud-mirror pools apply`, which removes it. It may be deleted.\n")
        }
    }

    private static let absent = [
        "ownershipControls": "OwnershipControlsNotFoundError", "publicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
        "policy": "NoSuchBucketPolicy", "lifecycle": "NoSuchLifecycleConfiguration",
    ]
}
