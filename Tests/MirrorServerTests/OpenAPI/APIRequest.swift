import MirrorCore

@testable import MirrorServer

/// A request for an operation of the OpenAPI document, and the status that it is to be answered with.
struct APIRequest: Sendable {
    let operation: String
    let status: Int
    private let region: String
    /// The artifact's, for paths.
    private let url: String
    private let query: String
    private let fields: [(String, String)]
    private let hasToken: Bool
    let body: String?

    /// - Parameters:
    ///   - operation: An `operationId`.
    ///   - hasToken: Whether it has the token that its operation needs.
    init(
        _ operation: String, _ status: Int, region: String = "dev", url: String = World.origin + "/a.txt", query: String = "",
        fields: [(String, String)] = [], hasToken: Bool = true, body: String? = nil
    ) {
        self.operation = operation
        self.status = status
        self.region = region
        self.url = url
        self.query = query
        self.fields = fields
        self.hasToken = hasToken
        self.body = body
    }

    static func warm(_ status: Int, _ request: WarmCall.Request, hasToken: Bool = true) -> APIRequest {
        APIRequest("warm", status, hasToken: hasToken, body: String(decoding: JSONResponse.encode(request), as: UTF8.self))
    }

    func send(to mirror: MirrorFixture, as operation: OpenAPIDocument.Operation) async throws -> RawResponse {
        var target = operation.path.replacing("{service}", with: "local").replacing("{region}", with: region)
        target = target.replacing("{url}", with: PercentCoding.encode(url))
        if target.contains("{hash}") { target = target.replacing("{hash}/{name}", with: ObjectKey(try ArtifactURL(url)).description) }
        if !query.isEmpty { target += "?\(query)" }
        let token = operation.needsToken && hasToken ? [("Authorization", "Bearer \(MirrorFixture.token)")] : []
        return try await mirror.request(operation.method.uppercased(), target, fields + token, body: body)
    }
}
