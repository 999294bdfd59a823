import MirrorCore
import StorageCloud
import TestServers

@testable import StorageAzure

/// A generated request to sign, as both sides get it: nothing of it is encoded yet.
struct AzurePeerRequest: Encodable {
    var host = "https://mymirror.blob.core.windows.net"
    var method = ""
    var path = ""
    var query: [[String]] = []
    /// Names in lower case.
    var headers: [[String]] = []
    /// Bytes of the body.
    var length: Int64 = 0
    let account = SigningVectors.account
    let key = SigningVectors.key

    var request: SignableRequest {
        SignableRequest(
            method: method, host: "mymirror.blob.core.windows.net", path: PercentCoding.encode(path: path),
            query: query.map { ($0[0], $0[1]) }, headers: headers.map { ($0[0], $0[1]) })
    }
}

/// A generated blob whose address is to be signed.
struct AzurePeerAddress: Encodable {
    /// What a key of an identity consists of.
    struct Delegation: Encodable {
        let oid = "11111111-2222-3333-4444-555555555555"
        let tid = "66666666-7777-8888-9999-000000000000"
        let start = "2026-01-31T12:00:00Z"
        let expiry = "2026-02-01T18:00:00Z"
        let service = "b"
        let version = AzureService.version
        let value = SigningVectors.key

        /// What the service gives out.
        var document: String {
            """
            <UserDelegationKey><SignedOid>\(oid)</SignedOid><SignedTid>\(tid)</SignedTid>\
            <SignedStart>\(start)</SignedStart><SignedExpiry>\(expiry)</SignedExpiry>\
            <SignedService>\(service)</SignedService><SignedVersion>\(version)</SignedVersion>\
            <Value>\(value)</Value></UserDelegationKey>
            """
        }
    }

    let account = SigningVectors.account
    let key = SigningVectors.key
    let version = AzureService.version
    var container = ""
    var blob = ""
    var snapshot: String?
    var versionID: String?
    /// Seconds since 1970.
    var expires: Int64 = 0
    var requiresHTTPS = true
    var delegation: Delegation?

    var signature: SharedAccessSignature {
        let snapshot = snapshot.map { AzureBlobVersion.snapshot($0) }
        let version = versionID.map { AzureBlobVersion.version($0) }
        return SharedAccessSignature(
            account: account, container: container, blob: blob, version: snapshot ?? version,
            expires: Timestamp(milliseconds: expires * 1_000), requiresHTTPS: requiresHTTPS)
    }
}

/// Makes what is awkward to sign; the same for the same seed.
struct AzurePeerGenerator {
    private var chance: AwkwardGenerator

    init(seed: UInt64) {
        chance = AwkwardGenerator(seed: seed)
    }

    /// All fields that are ever sent: in which order they are signed depends on which of them there are.
    private static let fields = [
        "x-ms-blob-content-type", "x-ms-blob-content-encoding", "x-ms-blob-content-disposition", "x-ms-blob-content-md5",
        "x-ms-blob-public-access", "x-ms-blob-type", "x-ms-content-crc64", "x-ms-copy-source", "x-ms-copy-source-authorization",
        "x-ms-copy-source-blob-properties", "x-ms-date", "x-ms-delete-snapshots", "x-ms-meta-cloud_mirror_addresses",
        "x-ms-meta-cloud_mirror_sha256", "x-ms-meta-cloud_mirror_stored", "x-ms-meta-cloud_mirror_upstream_content_length",
        "x-ms-meta-cloud_mirror_upstream_etag", "x-ms-meta-cloud_mirror_upstream_last_modified", "x-ms-meta-cloud_mirror_upstream_url",
        "x-ms-range", "x-ms-source-content-md5", "x-ms-source-if-match", "x-ms-source-range", "x-ms-version", "content-md5", "content-type",
        "if-match", "if-none-match",
    ]

    mutating func request() -> AzurePeerRequest {
        var request = AzurePeerRequest()
        request.method = chance.pick(["GET", "HEAD", "PUT", "POST", "DELETE"])
        request.path = chance.pick(["/", "/mymirror/"]) + "container/" + chance.key()
        for name in ["comp", "restype", "blockid", "maxresults", "marker", "prefix", "versionid", "snapshot"] {
            if chance.number(3) == 0 { request.query.append([name, chance.text(chance.number(4))]) }
        }
        for name in Self.fields {
            if chance.number(2) == 0 { request.headers.append([name, value()]) }
        }
        request.length = chance.number(2) == 0 ? 0 : Int64(chance.number(10_000_000))
        return request
    }

    mutating func address() -> AzurePeerAddress {
        var address = AzurePeerAddress()
        address.container = chance.pick(["container", "$root", "a-b-3"])
        address.blob = chance.key()
        switch chance.number(4) {
        case 0: address.snapshot = "2023-11-03T00:00:00.0000000Z"
        case 1: address.versionID = "2024-12-13T14:15:16.1234567Z"
        default: break
        }
        address.expires = Int64(chance.number(4_000_000_000))
        address.requiresHTTPS = chance.number(3) > 0
        if chance.number(2) == 0 { address.delegation = AzurePeerAddress.Delegation() }
        return address
    }

    /// A field's value: ASCII, and no blanks at its ends.
    private mutating func value() -> String {
        let pieces = ["a", "B", "x y", "bytes=0-9", ",", ";", "=", "\"q  q\"", "%20", "+", "~", "https://a.example.org/?x=1&y=%2F"]
        return (0..<(1 + chance.number(4))).map { _ in chance.pick(pieces) }.joined()
    }
}
