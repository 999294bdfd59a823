import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1
package import StorageCloud

package typealias GCSCall = CloudCall<GCSPlace>

/// The target of a request.
package enum GCSPlace: CallPlace {
    case bucket
    /// The object's own name, not encoded.
    case object(String)
    /// The JSON API: a path, encoded.
    case json(String)
    /// A resumable upload: path and query from the service, which work like credentials.
    case session(String)
}

extension CloudCall where Place == GCSPlace {
    /// A call of the JSON API.
    ///
    /// - Parameter path: Its segments, not encoded.
    static func json(
        _ name: String, _ method: HTTPMethod, _ path: [String], query: [(name: String, value: String?)] = [], body: JSONValue? = nil
    ) -> GCSCall {
        let path = "/storage/v1/" + path.map { PercentCoding.encode($0) }.joined(separator: "/")
        var call = GCSCall(name, method, .json(path), query: query)
        if let body {
            call.headers.append(("content-type", "application/json"))
            call.body = .bytes([ByteBuffer(bytes: body.encoded)])
        }
        return call
    }
}

extension WriteCondition {
    /// Cloud Storage, "Request preconditions": generation 0 means that there is no object.
    var generation: [(name: String, value: String)] {
        switch self {
        case .none: []
        case .absent: [("x-goog-if-generation-match", "0")]
        }
    }

    /// The same for the JSON API.
    var query: [(name: String, value: String?)] {
        switch self {
        case .none: []
        case .absent: [("ifGenerationMatch", "0")]
        }
    }
}

package typealias GCSAnswer = ServiceAnswer<GCSFailure>

extension GCSAnswer {
    /// `nil` if it is missing or not a number.
    var generation: String? {
        headers.first(name: "x-goog-generation").flatMap { Int64(digits: $0) == nil ? nil : $0 }
    }
}
