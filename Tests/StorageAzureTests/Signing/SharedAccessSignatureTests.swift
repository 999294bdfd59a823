import MirrorCore
import NIOCore
import StorageCloud
import Testing

@testable import StorageAzure

@Suite("Signed addresses")
struct SharedAccessSignatureTests {
    private static let keyDocument = """
        \u{FEFF}<?xml version="1.0" encoding="utf-8"?><UserDelegationKey><SignedOid>11111111-2222-3333-4444-555555555555</SignedOid>\
        <SignedTid>66666666-7777-8888-9999-000000000000</SignedTid><SignedStart>2026-01-31T12:00:00Z</SignedStart>\
        <SignedExpiry>2026-02-01T18:00:00Z</SignedExpiry><SignedService>b</SignedService><SignedVersion>2023-11-03</SignedVersion>\
        <Value>\(SigningVectors.key)</Value></UserDelegationKey>
        """

    private func items(_ query: String) -> Set<String> {
        Set(query.split(separator: "&").map { PercentCoding.decode($0) ?? "" })
    }

    @Test("have the signatures of Microsoft's library, by a key of the account and by one of an identity")
    func vectors() throws {
        let key = try SigningVectors.sharedKey()
        let delegated = try UserDelegationKey(ByteBuffer(string: Self.keyDocument))
        let expires = try #require(Timestamp(rfc3339: "2026-01-31T13:00:00Z"))
        for vector in try SigningVectors.addresses() {
            let version = vector.version.map { AzureBlobVersion.version($0) }
            let snapshot = vector.snapshot.map { AzureBlobVersion.snapshot($0) }
            let signature = SharedAccessSignature(
                account: SigningVectors.account, container: vector.container, blob: vector.blob, version: version ?? snapshot,
                expires: expires, requiresHTTPS: vector.https)
            let query = vector.byKey ? signature.query(signedBy: key) : signature.query(signedBy: delegated)
            #expect(items(query) == items(vector.query), "\(vector.name), by the account's key: \(vector.byKey)")
        }
    }

    @Test("end at whole seconds")
    func time() {
        #expect(SharedAccessSignature.time(Timestamp(milliseconds: 1_769_860_800_999)) == "2026-01-31T12:00:00Z")
    }

    @Test("need a key of an identity that is one; nothing of what is not is told")
    func badKeys() throws {
        let good = Self.keyDocument
        var bad = ["", "<a/>", "{}", String(repeating: "<UserDelegationKey>", count: 20), good.replacing("UserDelegationKey", with: "Key")]
        for name in ["SignedOid", "SignedTid", "SignedStart", "SignedExpiry", "SignedService", "SignedVersion", "Value"] {
            bad.append(good.replacing(name, with: "Other"))
        }
        bad.append(good.replacing("2026-02-01T18:00:00Z", with: "tomorrow"))
        bad.append(good.replacing("66666666-7777", with: "two words"))
        bad.append(good.replacing(SigningVectors.key, with: "???"))
        bad.append(good + String(repeating: " ", count: 70_000))
        for text in bad {
            let error = #expect(throws: CredentialsError.self) { try UserDelegationKey(ByteBuffer(string: text)) }
            #expect(error?.code == .invalid && error?.message.contains(SigningVectors.key) == false)
        }
        let key = try UserDelegationKey(ByteBuffer(string: good))
        var dumped = "\(key)"
        dump(key, to: &dumped)
        #expect(!dumped.contains("AAEC") && !dumped.contains("62, 63"))
        #expect(key.expires == Timestamp(rfc3339: "2026-02-01T18:00:00Z"))
    }
}
