package import MirrorSettings
import MirrorStorage

/// Where credentials for a bucket come from.
package enum S3CredentialSettings: Sendable, Hashable {
    /// From the places where the AWS tools look: environment, shared files, web identity, container, instance.
    case chain
    /// A section of the shared configuration and credentials files.
    case profile(String)
    case keys(accessKeyID: String, secretAccessKey: Secret, sessionToken: Secret?)
    /// Requests are not signed.
    case anonymous

    /// For messages.
    var words: String {
        switch self {
        case .chain: "found as the AWS tools find them"
        case .profile(let name): "of the profile \(name)"
        case .keys: "of the configuration"
        case .anonymous: "anonymous"
        }
    }
}

extension S3CredentialSettings {
    static func read(_ reader: SettingsReader) -> S3CredentialSettings {
        let element = reader.custom(
            "credentials", type: "anonymous, {profile}, or {accessKeyID, secretAccessKey or secretAccessKeyFile, sessionToken}",
            defaultNote: "looked up the way the AWS tools do",
            example: "{accessKeyID: \"${MIRROR_KEY_ID}\", secretAccessKey: \"${MIRROR_SECRET_KEY}\"}",
            doc:
                "If left out, credentials are looked up the way the AWS tools do: environment, shared configuration and credentials "
                + "files, web identity, container, instance. `anonymous` signs nothing; `{profile: NAME}` uses a profile in the shared "
                + "files.")
        guard let element else { return .chain }
        guard element.isMapping else {
            if element.plainText != "anonymous" {
                element.report("must be anonymous, {profile: NAME} or {accessKeyID: …, secretAccessKey: …}")
            }
            return .anonymous
        }
        var source = S3CredentialSettings.chain
        element.section { source = readKeys($0) ?? .chain }
        return source
    }

    private static func readKeys(_ reader: SettingsReader) -> S3CredentialSettings? {
        var profile: String?
        var accessKeyID: String?
        var secretAccessKey: Secret?
        var file: String?
        var sessionToken: Secret?
        reader.value("profile", &profile, .word, doc: "")
        reader.value("accessKeyID", &accessKeyID, .word, doc: "")
        reader.value("secretAccessKey", &secretAccessKey, .token, doc: "")
        reader.value("secretAccessKeyFile", &file, .path, doc: "")
        reader.value("sessionToken", &sessionToken, .token, doc: "")
        if let file {
            if reader.has("secretAccessKey") {
                reader.report("cannot be combined with secretAccessKey; keep one of them", key: "secretAccessKeyFile")
            }
            secretAccessKey = reader.readSecret("secretAccessKeyFile", file)
        }
        if reader.has("profile") {
            for key in ["accessKeyID", "secretAccessKey", "secretAccessKeyFile", "sessionToken"] where reader.has(key) {
                reader.report("cannot be combined with profile; keep one of them", key: key)
            }
            return profile.map { .profile($0) }
        }
        guard reader.has("accessKeyID") else {
            reader.report("is missing; write accessKeyID and secretAccessKey, or profile, or leave credentials out", key: "accessKeyID")
            return nil
        }
        guard reader.has("secretAccessKey") || file != nil || reader.has("secretAccessKeyFile") else {
            reader.report("is missing; write secretAccessKey: \"${NAME}\", or secretAccessKeyFile", key: "secretAccessKey")
            return nil
        }
        guard let accessKeyID, let secretAccessKey else { return nil }
        return .keys(accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: sessionToken)
    }
}
