/// Cleans text from answers about credentials, because it may contain anything.
package enum CredentialText {
    /// A code such as `AssumeRoleUnauthorizedAccess`, and nothing that merely appears in its place.
    package static func word(_ text: String) -> String {
        let isWord =
            !text.isEmpty && text.utf8.count <= 64 && text.utf8.allSatisfy { (0x30...0x7A).contains($0) || $0 == 0x2D || $0 == 0x2E }
        return isWord ? text : "(no code)"
    }
}
