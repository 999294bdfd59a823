import StorageCloud

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
        let fields = try JSONFields(bytes, of: "the answer")
        switch author {
        case .instanceMetadata:
            if let code = try fields.text("Code"), code != "Success" {
                throw CredentialsError(
                    .refused, "the metadata service has no credentials for the instance's role: \(CredentialText.word(code))")
            }
        case .process:
            guard try fields.number("Version") == 1 else { throw CredentialsError(.unsupported, "the answer's Version is not 1") }
        case .container: break
        }
        // Temporary credentials without a token would fail only later, in each request.
        let tokenName = author == .process ? "SessionToken" : "Token"
        let token = try author == .process ? fields.text(tokenName) : fields.requiredText(tokenName)
        let found = CredentialFields(
            accessKeyID: try fields.text("AccessKeyId"), secretAccessKey: try fields.text("SecretAccessKey"), sessionToken: token,
            expiration: try fields.text("Expiration"))
        return try found.credentials(
            named: .init(
                accessKeyID: "the answer's AccessKeyId", secretAccessKey: "the answer's SecretAccessKey",
                sessionToken: "the answer's \(tokenName)", expiration: "the answer's Expiration"))
    }
}
