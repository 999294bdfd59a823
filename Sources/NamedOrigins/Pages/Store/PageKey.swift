import Crypto
import MirrorCore

/// Which page: two requests with the same key get the same page.
struct PageKey: Sendable, Hashable {
    let url: ArtifactURL
    /// What tells pages of one URL apart: who asks the origin, for which form, with which `Accept`.
    let variant: String
    /// The name of its file: the first 64 digits are those of the URL.
    let fileName: String

    init(_ url: ArtifactURL, variant: String) {
        self.url = url
        self.variant = variant
        fileName = "\(url.nameHash)-\(Hex.encode(SHA256.hash(data: Array(variant.utf8)).prefix(16)))"
    }

    static let fileNameLength = ArtifactURL.nameHashLength + 33
}
