import MirrorCore
import StorageCloud
import Synchronization
import TestServers

@testable import StorageGCS

/// One bucket of the JSON API, in memory.
final class BucketServer: Sendable {
    struct State: Sendable {
        /// `nil` where there is no bucket.
        var resource: JSONValue?
        var policy: JSONValue = .object(["etag": .string("p1"), "version": .integer(1)])
        var changes = 1
    }

    private static let path = "/storage/v1/b/bucket"

    private let state: Mutex<State>

    init(_ resource: JSONValue? = nil) {
        state = Mutex(State(resource: resource))
    }

    var current: State { state.withLock { $0 } }

    func answer(_ request: ScriptedServer.Request) -> ScriptedServer.Answer {
        guard request.header("authorization") == "Bearer FIRST" else { return Self.error(401, "authError") }
        let body = JSONValue(parsing: request.body.utf8)
        return state.withLock { state in
            switch (request.method, request.uri.prefix { $0 != "?" }) {
            case ("POST", "/storage/v1/b"):
                guard state.resource == nil else { return Self.error(409, "conflict") }
                state.resource = body?.with("metageneration", .string("1"))
            case (_, _) where state.resource == nil: return Self.error(404, "notFound")
            case ("GET", Self.path[...]): break
            case ("PATCH", Self.path[...]):
                if case .object(let members)? = body { for (name, value) in members { state.resource?[name] = value } }
            case ("GET", "\(Self.path)/iam"[...]): return .init(body: Self.text(state.policy))
            case ("PUT", "\(Self.path)/iam"[...]):
                guard let body, body["etag"] == state.policy["etag"] else { return Self.error(412, "conditionNotMet") }
                state.changes += 1
                state.policy = body.with("etag", .string("p\(state.changes)"))
                return .init(body: Self.text(state.policy))
            default: return Self.error(400, "invalid")
            }
            return .init(body: Self.text(state.resource ?? .null))
        }
    }

    static func text(_ value: JSONValue) -> String { String(decoding: value.encoded, as: UTF8.self) }

    static func error(_ status: Int, _ reason: String) -> ScriptedServer.Answer {
        .init(status: status, body: #"{"error": {"code": \#(status), "message": "m", "errors": [{"reason": "\#(reason)"}]}}"#)
    }
}
