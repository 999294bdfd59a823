import Crypto
import MirrorCore

/// A file that pages load. Its name contains a hash of its bytes, so that browsers may keep it for ever.
package struct Asset: Sendable {
    /// `style.0123456789abcdef.css`
    package let name: String
    package let contentType: String
    package let bytes: [UInt8]

    private init(_ name: String, _ suffix: String, _ contentType: String, _ bytes: [UInt8]) {
        let hash = Hex.encode(Array(SHA256.hash(data: bytes)).prefix(8))
        self.name = "\(name).\(hash).\(suffix)"
        self.contentType = contentType
        self.bytes = bytes
    }

    package static let style = Asset("style", "css", "text/css; charset=utf-8", PackageResources.style_css)
    package static let script = Asset("script", "js", "text/javascript; charset=utf-8", PackageResources.script_js)
    package static let icon = Asset("icon", "svg", "image/svg+xml", PackageResources.icon_svg)

    /// All of them, by their names.
    package static let all = Dictionary([style, script, icon].map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    /// What their addresses begin with, relative to `/`.
    package static let folder = "assets/"

    var address: String { Self.folder + name }
}
