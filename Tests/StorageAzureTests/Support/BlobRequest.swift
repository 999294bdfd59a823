import MirrorCore
import TestServers

/// A request as the blob service understands it: the account is the first part of the path.
struct BlobRequest: Sendable {
    enum Kind: Sendable, Hashable {
        case head, get, put, block, blocks, copy, copyBlock, delete, batch, list, properties, create, access, delegationKey, other
    }

    let method: String
    let uri: String
    /// The blob's name, decoded; `nil` for the container and the account.
    let blob: String?
    /// Decoded.
    let query: [String: String]
    let headers: [(name: String, value: String)]
    let bytes: [UInt8]

    init(_ request: ScriptedServer.Request) {
        self.init(method: request.method, uri: request.uri, headers: request.headers, bytes: request.bytes)
    }

    init(method: String, uri: String, headers: [(name: String, value: String)], bytes: [UInt8] = []) {
        self.method = method
        self.uri = uri
        self.headers = headers
        self.bytes = bytes
        let path = uri.prefix { $0 != "?" }.drop { $0 == "/" }
        let parts = path.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        blob = parts.count == 3 ? PercentCoding.decode(parts[2]) : nil
        var query: [String: String] = [:]
        for item in uri.dropFirst(path.count + 1).drop(while: { $0 == "?" }).split(separator: "&") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            query[String(parts[0])] = parts.count == 2 ? PercentCoding.decode(parts[1]) ?? "" : ""
        }
        self.query = query
    }

    func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    var kind: Kind {
        let isCopy = header("x-ms-copy-source") != nil
        switch (method, query["comp"], blob != nil) {
        case ("HEAD", nil, true): return .head
        case ("GET", nil, true): return .get
        case ("DELETE", nil, true): return .delete
        case ("PUT", nil, true): return isCopy ? .copy : .put
        case ("PUT", "block", true): return isCopy ? .copyBlock : .block
        case ("PUT", "blocklist", true): return .blocks
        case ("POST", "batch", false): return .batch
        case ("GET", "list", false): return .list
        case ("HEAD", nil, false): return .properties
        case ("PUT", nil, false): return .create
        case (_, "acl", false): return .access
        case ("POST", "userdelegationkey", false): return .delegationKey
        default: return .other
        }
    }
}
