import HTTPTypes
import Hummingbird
import MirrorCore

/// Registries of images, for clients that know a registry as a host and a path before an image's name: they ask for `/v2/o/NAME/IMAGE/…` where
/// others ask for `/o/NAME/v2/IMAGE/…`.
///
/// - SeeAlso: https://github.com/opencontainers/distribution-spec/blob/main/spec.md, "Determining support".
extension NamedRoutes {
    private static let registry = "/v2/"
    static let imagePrefix = "/v2/o/"

    func registerImages(on router: Router<MirrorRequestContext>) {
        router.get("/v2", use: support)
        router.head("/v2", use: support)
        router.get("/v2/o/**", use: answer)
        router.head("/v2/o/**", use: answer)
    }

    /// Whether this is a registry, which clients ask first. No origin is asked: whether it lets them in, the image says.
    private func support(_ request: Request, _ context: MirrorRequestContext) -> Response {
        let fields: HTTPFields = [
            .contentType: "application/json", .contentLength: "2", .cacheControl: "no-store", .distributionVersion: "registry/2.0",
        ]
        return WholeResponse(status: .ok, fields: fields, body: Array("{}".utf8)).response(to: request)
    }

    /// What would follow `/o/`; `nil` for a path that is not below `/v2/o/NAME/`.
    static func restOfImage(_ path: String) -> Substring? {
        guard path.hasPrefix(imagePrefix) else { return nil }
        let rest = path.dropFirst(imagePrefix.count)
        guard let slash = rest.firstIndex(of: "/") else { return nil }
        return "\(rest[..<slash])\(registry)\(rest[rest.index(after: slash)...])"
    }
}

extension HTTPField.Name {
    // A valid token, so that it is never the placeholder.
    fileprivate static let distributionVersion = HTTPField.Name("Docker-Distribution-Api-Version") ?? .server
}
