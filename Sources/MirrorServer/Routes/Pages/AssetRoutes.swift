import HTTPTypes
import Hummingbird
import MirrorViews

/// What pages load: a style, a script, an icon. Open to everyone.
struct AssetRoutes: Sendable {
    func register(on router: Router<MirrorRequestContext>) {
        for asset in Asset.all.values {
            router.get("/\(Asset.folder)\(asset.name)") { request, _ in Self.response(asset, to: request) }
        }
    }

    private static func response(_ asset: Asset, to request: Request) -> Response {
        // Another version of the file has another name.
        var fields: HTTPFields = [.contentType: asset.contentType, .cacheControl: "public, max-age=31536000, immutable"]
        fields[.contentLength] = String(asset.bytes.count)
        fields[.xContentTypeOptions] = "nosniff"
        // An icon that is opened by itself is a document, too.
        fields[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
        return WholeResponse(status: .ok, fields: fields, body: asset.bytes).response(to: request)
    }
}
