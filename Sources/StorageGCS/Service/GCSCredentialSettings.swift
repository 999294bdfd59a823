import MirrorCore
package import MirrorSettings
import MirrorStorage

/// Where credentials for a bucket come from.
package enum GCSCredentialSettings: Sendable, Hashable {
    /// As Google's tools find them, or from a file.
    ///
    /// - Parameters:
    ///   - file: A document with credentials of any kind, in place of what the tools find.
    ///   - impersonated: The address of a service account that is acted as with them.
    case found(file: String?, impersonated: String?)
    /// An HMAC key of the XML API.
    case keys(accessID: String, secret: Secret)
    /// Requests are not signed.
    case anonymous

    package static var chain: Self { .found(file: nil, impersonated: nil) }

    /// Whether the credentials are tokens, which the JSON API takes.
    var hasTokens: Bool {
        switch self {
        case .found: true
        case .keys, .anonymous: false
        }
    }

    /// For people.
    var words: String {
        switch self {
        case .found(nil, nil): "found as Google's tools find them"
        case .found(let file?, nil): "of the file \(file)"
        case .found(nil, .some): "found as Google's tools find them, for another account"
        case .found(let file?, .some): "of the file \(file), for another account"
        case .keys: "an HMAC key of the configuration"
        case .anonymous: "anonymous"
        }
    }
}

extension GCSCredentialSettings {
    static func read(_ reader: SettingsReader) -> GCSCredentialSettings {
        let element = reader.custom(
            "credentials", type: "anonymous, {file, impersonate}, or {accessID, secret or secretFile}",
            defaultNote: "looked up the way Google's tools do", example: "{impersonate: mirror@my-project.iam.gserviceaccount.com}",
            doc:
                "If left out, credentials are looked up the way Google's tools do: the file that GOOGLE_APPLICATION_CREDENTIALS names, the "
                + "one that `gcloud auth application-default login` writes, the metadata server. `file` uses another file: a service "
                + "account's key, or workload identity federation. `impersonate` acts as a service account that the credentials may create "
                + "tokens for. `accessID` and `secret` are an HMAC key, which supports neither server-side copies nor `pools apply`. "
                + "`anonymous` signs nothing.")
        guard let element else { return .chain }
        guard element.isMapping else {
            if element.plainText != "anonymous" {
                element.report("must be anonymous, {file: PATH}, {impersonate: ACCOUNT} or {accessID: …, secret: …}")
            }
            return .anonymous
        }
        var source = GCSCredentialSettings.chain
        element.section { source = readMembers($0) ?? .chain }
        return source
    }

    private static func readMembers(_ reader: SettingsReader) -> GCSCredentialSettings? {
        var file: String?
        var impersonated: String?
        var accessID: String?
        var secret: Secret?
        var secretFile: String?
        reader.value("file", &file, .path, doc: "")
        reader.value("impersonate", &impersonated, .account, doc: "")
        reader.value("accessID", &accessID, .word, doc: "")
        reader.value("secret", &secret, .token, doc: "")
        reader.value("secretFile", &secretFile, .path, doc: "")
        let keyNames = ["accessID", "secret", "secretFile"].filter(reader.has)
        if let name = ["file", "impersonate"].first(where: reader.has) {
            for key in keyNames { reader.report("cannot be combined with \(name); keep one of them", key: key) }
            return .found(file: file, impersonated: impersonated)
        }
        if let secretFile {
            if reader.has("secret") { reader.report("cannot be combined with secret; keep one of them", key: "secretFile") }
            secret = reader.readSecret("secretFile", secretFile)
        }
        guard reader.has("accessID") else {
            reader.report("is missing; write accessID and secret, or file, or impersonate, or leave credentials out", key: "accessID")
            return nil
        }
        guard reader.has("secret") || reader.has("secretFile") else {
            reader.report("is missing; write secret: \"${NAME}\", or secretFile", key: "secret")
            return nil
        }
        guard let accessID, let secret else { return nil }
        return .keys(accessID: accessID, secret: secret)
    }
}
