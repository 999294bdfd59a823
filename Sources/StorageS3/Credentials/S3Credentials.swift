package import MirrorCore
import StorageCloud

/// The credentials that sign requests to the service. Their descriptions never show the secret or the session token.
package struct S3Credentials: ExpiringCredentials {
    package let accessKeyID: String
    package let secretAccessKey: String
    /// Only in temporary credentials; sent with each request.
    package var sessionToken: String?
    /// When the service stops accepting them; `nil` if they do not expire.
    package var expires: Timestamp?
}

extension S3Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String {
        "S3Credentials(\(accessKeyID)\(sessionToken == nil ? "" : ", temporary")\(expires.map { ", until \($0.iso8601)" } ?? ""))"
    }

    package var debugDescription: String { description }

    // Printed by `dump` and in test failures.
    package var customMirror: Mirror { Mirror(self, children: ["accessKeyID": accessKeyID]) }
}
