import Crypto
import MirrorCore

/// Identifies a page: two requests with the same key get the same page.
struct PageKey: Sendable, Hashable {
    let url: ArtifactURL
    /// Distinguishes the pages of one URL: the credentials, the form, and `Accept`.
    let variant: String
    /// The name of its file: the first 64 digits are those of the URL.
    let fileName: String

    init(_ url: ArtifactURL, variant: String) {
        self.url = url
        self.variant = variant
        fileName = "\(url.nameHash)-\(Hex.encode(SHA256.hash(of: variant).prefix(16)))"
    }

    static let fileNameLength = ArtifactURL.nameHashLength + 33
}
