/// A key of Cloud Storage's XML API: an access ID and a secret. Its texts never show the secret.
package struct GCSKeys: Sendable, Equatable {
    package let accessID: String
    package let secret: String
}

extension GCSKeys: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "GCSKeys(\(accessID))" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["accessID": accessID]) }
}
