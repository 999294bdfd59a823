import StorageCloud

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Credentials in the JSON of metadata services, container agents and credential processes.
///
/// No part of the document is copied into an error, because it may be anything.
struct CredentialDocument {
    /// The author of a document; authors use different names.
    enum Author {
        /// The instance metadata service, which states in `Code` whether it succeeded.
        case instanceMetadata
        case container
        /// A `credential_process`, which states its `Version`.
        case process
    }

    /// - Throws: `.invalid`; `.refused` if the metadata service says why it has no credentials.
    static func parse(_ bytes: [UInt8], from author: Author) throws(CredentialsError) -> S3Credentials {
        let fields: Fields
        do {
            fields = try JSONDecoder().decode(Fields.self, from: Data(bytes))
        } catch {
            throw CredentialsError(.invalid, "the answer is not a JSON object with credentials as text")
        }
        switch author {
        case .instanceMetadata:
            if let code = fields.code, code != "Success" {
                throw CredentialsError(
                    .refused, "the metadata service has no credentials for the instance's role: \(CredentialText.word(code))")
            }
        case .process:
            guard fields.version == 1 else { throw CredentialsError(.unsupported, "the answer's Version is not 1") }
        case .container: break
        }
        // Temporary credentials without a token would fail only later, in each request.
        if author != .process, fields.token == nil { throw CredentialsError(.invalid, "the answer has no Token") }
        let found = CredentialFields(
            accessKeyID: fields.accessKeyID, secretAccessKey: fields.secretAccessKey,
            sessionToken: author == .process ? fields.sessionToken : fields.token, expiration: fields.expiration)
        return try found.credentials(
            named: .init(
                accessKeyID: "the answer's AccessKeyId", secretAccessKey: "the answer's SecretAccessKey",
                sessionToken: "the answer's \(author == .process ? "SessionToken" : "Token")", expiration: "the answer's Expiration"))
    }

    private struct Fields: Decodable {
        var code: String?
        var version: Int?
        var accessKeyID: String?
        var secretAccessKey: String?
        var token: String?
        var sessionToken: String?
        var expiration: String?

        enum CodingKeys: String, CodingKey {
            case code = "Code"
            case version = "Version"
            case accessKeyID = "AccessKeyId"
            case secretAccessKey = "SecretAccessKey"
            case token = "Token"
            case sessionToken = "SessionToken"
            case expiration = "Expiration"
        }
    }
}
