package import MirrorCore
package import MirrorStorage
import StorageCloud

/// Where clients find objects.
extension GCSClient {
    /// Signed addresses stay the same for this long, whichever node signs.
    private static let window = SigningWindow()

    package func url(ofKey key: String, base: ArtifactURL? = nil) -> String {
        base.map { "\($0.service)\($0.path(before: key))" } ?? "\(endpoint.url)\(endpoint.path(ofKey: key, in: bucket))"
    }

    package func signedURL(
        ofKey key: String, version: String? = nil, base: ArtifactURL? = nil, life: Duration
    ) async throws -> ObjectLocation {
        guard let held = try await currentCredentials(for: "location"), let signer = held.signer else {
            throw CloudErrors.gcs.error(
                .permissionDenied,
                "the credentials sign no URLs: use those of a service account (`impersonate` makes them of others'), or HMAC keys, or make the "
                    + "access public", "location")
        }
        let request = SignableRequest(
            method: "GET", host: base?.authority ?? endpoint.authority,
            path: base.map { $0.path(before: key) } ?? endpoint.path(ofKey: key, in: bucket),
            query: version.map { [("generation", $0)] } ?? [])
        let now = now
        let start = Self.window.start(of: now)
        // The signature has whole seconds, and so has the life.
        let life = min(Self.window.life(atLeast: life) + .seconds(2), signer.maxLife)
        let address = GCSSignedAddress(request, signer: signer, seconds: life.wholeMilliseconds / 1_000, from: start)
        let target = address.target(signature: try await signature(of: address, by: signer))
        return ObjectLocation(
            url: "\((base?.scheme ?? endpoint.scheme).rawValue)://\(request.host)\(target)",
            // By our own clock.
            expires: clock.now + now.duration(to: start + life) - .seconds(1))
    }

    private func signature(of address: GCSSignedAddress, by signer: URLSigner) async throws -> String {
        do {
            switch signer {
            case .key(let key): return Hex.encode(try key.signature(of: address.stringToSign))
            case .keys(let keys): return address.signature(of: keys)
            case .service(let signing): return try await connection.signatures.signature(of: address.stringToSign, by: signing)
            }
        } catch {
            throw CloudErrors.gcs.mapping(error, call: "location")
        }
    }
}
