package import MirrorCore
package import StorageS3

extension Configuration {
    /// A bucket of AWS S3 or of a server that speaks its protocol, and how it is reached.
    package struct S3Bucket: Sendable, Equatable {
        package var name: String
        /// Scheme, host and port; `nil` for AWS's own.
        package var endpoint: ArtifactURL?
        /// The region that requests are signed for.
        package var region: String
        /// `nil` leaves it to the endpoint.
        package var addressing: S3Endpoint.Addressing?
        /// Only where ``endpoint`` is `nil`.
        package var dualStack = false
        package var credentials: S3CredentialSource = .chain

        /// Whether both are the same bucket, whatever the way to it.
        func isSame(as other: S3Bucket) -> Bool {
            // AWS's names are unique in the world; elsewhere each endpoint has its own.
            name == other.name && endpoint == other.endpoint
        }
    }

    /// Where credentials for a bucket come from.
    package enum S3CredentialSource: Sendable, Hashable {
        /// As the AWS tools find them: environment, shared files, web identity, container, instance.
        case chain
        /// A section of the shared configuration and credentials files.
        case profile(String)
        case keys(accessKeyID: String, secretAccessKey: Secret, sessionToken: Secret?)
        /// Requests are not signed.
        case anonymous
    }

    /// What a pool in a bucket has beside the bucket.
    package struct S3Pool: Sendable, Equatable {
        package var bucket: S3Bucket
        package var access: S3Configuration.Access = .public
        /// What stands in front of keys in locations; `nil` for the bucket's own URL.
        package var publicURL: ArtifactURL?
        /// Empty, or with a slash at its end.
        package var keyPrefix = ""
    }
}
