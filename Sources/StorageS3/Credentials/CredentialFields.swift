import MirrorCore
import StorageCloud

/// The fields of credentials as they were found, not yet checked.
struct CredentialFields {
    var accessKeyID: String?
    var secretAccessKey: String?
    var sessionToken: String?
    /// RFC 3339.
    var expiration: String?

    /// The names of the fields where they were found; by default those of the service's own documents.
    struct Names {
        var accessKeyID = "AccessKeyId"
        var secretAccessKey = "SecretAccessKey"
        var sessionToken = "SessionToken"
        var expiration = "Expiration"
    }

    /// - Throws: `.invalid`, naming the field that is missing or malformed, but never its value.
    func credentials(named names: Names) throws(CredentialsError) -> S3Credentials {
        guard let accessKeyID, !accessKeyID.isEmpty else { throw CredentialsError(.invalid, "\(names.accessKeyID) is missing") }
        guard let secretAccessKey, !secretAccessKey.isEmpty else {
            throw CredentialsError(.invalid, "\(names.secretAccessKey) is missing")
        }
        let token = sessionToken.flatMap { $0.isEmpty ? nil : $0 }
        // Both are sent in header fields.
        for (value, name) in [(accessKeyID, names.accessKeyID), (token ?? "", names.sessionToken)]
        where !value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
            throw CredentialsError(.invalid, "\(name) contains white space, a line break or another character that cannot belong there")
        }
        if secretAccessKey.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            throw CredentialsError(.invalid, "\(names.secretAccessKey) contains a line break or another control character")
        }
        var expires: Timestamp?
        if let expiration, !expiration.isEmpty {
            guard let moment = Timestamp(rfc3339: expiration) else {
                throw CredentialsError(.invalid, "\(names.expiration) is not a time in RFC 3339 format (2026-01-31T12:00:00Z)")
            }
            expires = moment
        }
        return S3Credentials(accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: token, expires: expires)
    }
}
