import MirrorCore
import StorageCloud

/// The version of a blob, if not the newest.
package enum AzureBlobVersion: Sendable, Hashable {
    case version(String)
    case snapshot(String)

    /// The parameter that names it in a URL's query.
    var parameter: (name: String, value: String) {
        switch self {
        case .version(let moment): ("versionid", moment)
        case .snapshot(let moment): ("snapshot", moment)
        }
    }
}

/// A signature for the URL of one blob, with which anyone may read it until it expires.
///
/// It has no start time: a machine whose clock is a little ahead would sign URLs that do not work yet.
///
/// - SeeAlso: Azure Storage REST API, "Create a service SAS", "Create a user delegation SAS".
struct SharedAccessSignature: Sendable {
    let account: String
    let container: String
    /// Not encoded.
    let blob: String
    var version: AzureBlobVersion?
    /// Rounded down to a whole second.
    let expires: Timestamp
    /// Whether the URL works only over https.
    let requiresHTTPS: Bool

    /// The query, without the question mark.
    func query(signedBy key: SharedKey) -> String {
        let text = stringToSign([""])
        return joined(base + [("sig", key.signature(of: text))])
    }

    /// The query, without the question mark.
    func query(signedBy key: UserDelegationKey) -> String {
        // The three fields after the key's are for accounts with a hierarchical namespace, and are left empty.
        let text = stringToSign([key.objectID, key.tenantID, key.start, key.expiry, key.service, key.version, "", "", ""])
        let fields = [
            ("skoid", key.objectID), ("sktid", key.tenantID), ("skt", key.start), ("ske", key.expiry), ("sks", key.service),
            ("skv", key.version), ("sig", key.signature(of: text)),
        ]
        return joined(base + fields)
    }

    private var base: [(String, String)] {
        var fields = [("sv", AzureService.version)]
        if requiresHTTPS { fields.append(("spr", protocols)) }
        return fields + [("se", Self.time(expires)), ("sr", resource), ("sp", "r")]
    }

    private var protocols: String { requiresHTTPS ? "https" : "" }

    private var resource: String {
        switch version {
        case nil: "b"
        case .version: "bv"
        case .snapshot: "bs"
        }
    }

    /// - Parameter signer: The fields that identify the signer: a policy's name (not used here), or a key's fields.
    private func stringToSign(_ signer: [String]) -> String {
        let addresses = ""
        let scope = ""
        let answer = ["", "", "", "", ""]
        let fields =
            ["r", "", Self.time(expires), "/blob/\(account)/\(container)/\(blob)"] + signer
            + [addresses, protocols, AzureService.version, resource, version?.parameter.value ?? "", scope] + answer
        return fields.joined(separator: "\n")
    }

    private func joined(_ fields: [(String, String)]) -> String {
        fields.map { "\($0)=\(PercentCoding.encode($1))" }.joined(separator: "&")
    }

    /// `2026-01-31T12:00:00Z`
    static func time(_ time: Timestamp) -> String { "\(time.iso8601.prefix { $0 != "." })Z" }
}
