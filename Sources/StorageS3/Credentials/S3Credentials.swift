package import MirrorCore
import StorageCloud

/// What requests to the service are signed with. Its texts never show the secret or the session's token.
package struct S3Credentials: ExpiringCredentials {
    package let accessKeyID: String
    package let secretAccessKey: String
    /// Of temporary credentials: sent with each request.
    package var sessionToken: String?
    /// When the service stops accepting them; `nil` for those that last.
    package var expires: Timestamp?
}

extension S3Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String {
        "S3Credentials(\(accessKeyID)\(sessionToken == nil ? "" : ", temporary")\(expires.map { ", until \($0.iso8601)" } ?? ""))"
    }

    package var debugDescription: String { description }

    // What `dump` and test failures print.
    package var customMirror: Mirror { Mirror(self, children: ["accessKeyID": accessKeyID]) }
}
