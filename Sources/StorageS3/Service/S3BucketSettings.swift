import MirrorCore
import StorageS3

extension Configuration.S3Bucket {
    /// Requests to servers that take no notice of regions are signed for this one.
    static let defaultRegion = "us-east-1"

    /// Reads the keys that say which bucket is meant and how it is reached.
    ///
    /// - Parameter fallbackRegion: For signing, when the file does not say; `nil` makes it required for AWS.
    /// - Returns: `nil` after recording a problem.
    static func read(_ reader: ConfigurationReader, example: String, fallbackRegion: String?) -> Configuration.S3Bucket? {
        let name = reader.required("bucket", .bucketName, example: example, doc: "The bucket's name.")
        var endpoint: ArtifactURL?
        reader.value(
            "endpoint", &endpoint, .endpoint, defaultNote: "AWS's own for the region", example: "https://s3.example.org",
            doc: "Where the server is, when it is not AWS: scheme, host and port.")
        var region: String?
        reader.value(
            "region", &region, .signingRegion, defaultNote: "the second word of the pool's name", example: "eu-central-1",
            doc: "The region that requests are signed for, when it is not the pool's own word (R2 wants `auto`).")
        var addressing: S3Endpoint.Addressing?
        reader.value(
            "addressing", &addressing, .choice(), defaultNote: "virtual for AWS, path for other endpoints and for buckets with a dot",
            example: "path", doc: "Whether the bucket's name stands before the host (`virtual`) or in the path (`path`).")
        var dualStack = false
        reader.value("dualStack", &dualStack, .boolean, doc: "Use AWS's endpoints that are reached by IPv6, too.")
        let credentials = Configuration.S3CredentialSource.read(reader)

        if dualStack, endpoint != nil {
            reader.report("is for AWS; an endpoint of your own has the addresses that its name has", key: "dualStack")
        }
        guard let name else { return nil }
        // AWS User Guide, "General purpose bucket naming rules"; other servers allow more.
        let isHostLabel = Self.isHostName(name)
        if endpoint == nil, !isHostLabel {
            reader.report(
                "'\(name)' is no name of a bucket of AWS: 3 to 63 of a-z 0-9 - . from a letter or digit to a letter or digit", key: "bucket"
            )
            return nil
        }
        if region == nil, fallbackRegion == nil, endpoint == nil {
            reader.report("is missing; write region: us-west-2", key: "region")
            return nil
        }
        let hasDot = name.utf8.contains(UInt8(ascii: "."))
        if addressing == .virtual {
            if !isHostLabel {
                reader.report("'\(name)' cannot stand before a host name; write `path`", key: "addressing")
            } else if hasDot, endpoint?.scheme != .http {
                reader.report("no certificate covers '\(name)' before a host name, as it has a dot; write `path`", key: "addressing")
            }
        }
        return Configuration.S3Bucket(
            name: name, endpoint: endpoint, region: region ?? fallbackRegion ?? defaultRegion, addressing: addressing,
            dualStack: dualStack && endpoint == nil, credentials: credentials)
    }

    private static func isHostName(_ name: String) -> Bool {
        guard (3...63).contains(name.utf8.count), IPAddress(name) == nil else { return false }
        return name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            guard let first = label.utf8.first, let last = label.utf8.last, first != UInt8(ascii: "-"), last != UInt8(ascii: "-") else {
                return false
            }
            return label.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || byte == UInt8(ascii: "-")
            }
        }
    }
}

extension Configuration.S3CredentialSource {
    fileprivate static func read(_ reader: ConfigurationReader) -> Configuration.S3CredentialSource {
        let element = reader.custom(
            "credentials", type: "anonymous, {profile}, or {accessKeyID, secretAccessKey or secretAccessKeyFile, sessionToken}",
            defaultNote: "found as the AWS tools find them",
            example: "{accessKeyID: \"${MIRROR_KEY_ID}\", secretAccessKey: \"${MIRROR_SECRET_KEY}\"}",
            doc:
                "Left out, they are found as the AWS tools find them: environment, shared configuration and credentials files, web identity, "
                + "container, instance; `anonymous` signs nothing; `{profile: NAME}` is a profile of the shared files.")
        guard let element else { return .chain }
        guard element.isMapping else {
            if element.plainText != "anonymous" {
                element.report("is neither anonymous nor keys below it: {profile: NAME}, or {accessKeyID: …, secretAccessKey: …}")
            }
            return .anonymous
        }
        var source = Configuration.S3CredentialSource.chain
        element.section { source = readKeys($0) ?? .chain }
        return source
    }

    private static func readKeys(_ reader: ConfigurationReader) -> Configuration.S3CredentialSource? {
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
            if reader.has("secretAccessKey") { reader.report("is given besides secretAccessKey; keep one", key: "secretAccessKeyFile") }
            secretAccessKey = reader.readSecret("secretAccessKeyFile", file)
        }
        if reader.has("profile") {
            for key in ["accessKeyID", "secretAccessKey", "secretAccessKeyFile", "sessionToken"] where reader.has(key) {
                reader.report("is given besides profile; keep one", key: key)
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
