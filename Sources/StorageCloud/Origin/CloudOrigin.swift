package import MirrorCore
package import MirrorStorage
package import NIOHTTP1

/// A bucket that artifacts are fetched from with the mirror's own credentials.
///
/// The service's answers about an object are passed on unchanged if they are consistent. Its answers about the caller (a wrong or expired key, a
/// missing permission) are thrown and logged, because clients can do nothing about them.
package protocol CloudOrigin: BucketOrigin {
    associatedtype Client: CloudClient
    associatedtype URLs: BucketURLs<Client.Version>

    var client: Client { get }
    var urls: URLs { get }
    var trouble: OriginTrouble<Client> { get }

    /// The name of the header field that requests a range.
    static var rangeField: String { get }

    /// Whether an answer is what was requested, or says why not.
    func agrees(_ answer: BucketAnswer, _ range: ByteRange?) -> Bool

    func ask(_ call: Client.Call) async throws -> BucketAnswer
}

extension CloudOrigin {
    package static var rangeField: String { "range" }

    package func agrees(_ answer: BucketAnswer, _ range: ByteRange?) -> Bool {
        switch answer.status {
        case 200: answer.header("content-range") == nil
        case 206: range.map(answer.isExactly) ?? false
        default: true
        }
    }

    package func artifact(_ url: String) -> ArtifactURL? {
        urls.object(url).flatMap(urls.url(of:))
    }

    package func open(_ artifact: ArtifactURL, range: ByteRange?, ifMatch: String?) async throws -> BucketAnswer {
        var call = try call("originGet", .GET, artifact)
        if let range { call.headers.append((Self.rangeField, range.fieldValue)) }
        if let ifMatch { call.headers.append(("if-match", ifMatch)) }
        let answer = try await ask(call)
        guard agrees(answer, range) else {
            throw Client.Failure.errors.odd("the service sends something other than what was requested of \(artifact.redacted)", call.name)
        }
        return answer
    }

    package func head(_ artifact: ArtifactURL) async throws -> BucketAnswer {
        try await ask(try call("originHead", .HEAD, artifact))
    }

    package func location(of artifact: ArtifactURL, life: Duration) async throws -> ObjectLocation {
        let object = try object(artifact, for: "location")
        // A signature that the service refuses is worse than none, because the bucket may be public.
        guard let held = try await client.currentCredentials(for: "location"), held.canSign, !trouble.isRefused(held) else {
            return ObjectLocation(url: client.url(ofKey: object.key, base: nil) + URLs.query(object.version))
        }
        return try await client.signedURL(ofKey: object.key, version: object.version, base: nil, life: life)
    }

    package func call(_ name: String, _ method: HTTPMethod, _ artifact: ArtifactURL) throws -> Client.Call {
        let object = try object(artifact, for: name)
        let query: [(name: String, value: String?)] = object.version.map(URLs.parameter).map { [($0.name, $0.value)] } ?? []
        return Client.Call(name, method, key: object.key, query: query, headers: [], body: .none)
    }

    private func object(_ artifact: ArtifactURL, for call: String) throws -> BucketObject<Client.Version> {
        guard let object = urls.object(artifact.description) else {
            throw Client.Failure.errors.invalid("\(artifact.redacted) is not an object of this bucket", call)
        }
        return object
    }

    package func ask(_ call: Client.Call) async throws -> BucketAnswer { BucketAnswer(try await trouble.ask(call)) }
}
