import Crypto
import MirrorCore
import NIOHTTP1
import StorageCloud

/// A role of AWS as a token: a signed request that says who signed it, which Google's service sends.
///
/// - SeeAlso: AIP-4117, "Determining the subject token in AWS"; AWS STS API Reference, `GetCallerIdentity`.
struct AmazonSubject: SubjectTokenSource {
    /// What the request is signed with. Its texts are not shown: it never leaves this file.
    private struct Keys {
        var accessKeyID: String
        var secretAccessKey: String
        var sessionToken: String?
    }

    /// Of the service that verifies the identity, with `{region}` in it.
    private let verifier: String
    private let regionAddress: ArtifactURL?
    private let roleAddress: ArtifactURL?
    private let sessionAddress: ArtifactURL?

    private static let timeout: Duration = .seconds(2)

    /// The metadata service of machines in AWS.
    static let metadataHosts: Set<String> = ["169.254.169.254", "fd00:ec2::254"]

    /// - Parameter hosts: Those that are asked for keys.
    init(_ source: JSONFields, hosts: Set<String> = AmazonSubject.metadataHosts) throws(CredentialsError) {
        guard try source.text("environment_id") == "aws1" else {
            throw CredentialsError(.unsupported, "environment_id of \(source.place) is not aws1")
        }
        verifier = try source.requiredText("regional_cred_verification_url")
        regionAddress = try Self.address("region_url", source, hosts)
        roleAddress = try Self.address("url", source, hosts)
        sessionAddress = try Self.address("imdsv2_session_token_url", source, hosts)
    }

    /// - Throws: `.invalid` for anything but the metadata service of the machine.
    private static func address(_ name: String, _ source: JSONFields, _ hosts: Set<String>) throws(CredentialsError) -> ArtifactURL? {
        guard let text = try source.text(name) else { return nil }
        guard let url = try? ArtifactURL(text), hosts.contains(url.host) else {
            throw CredentialsError(.invalid, "\(name) of \(source.place) does not lead to \(hosts.sorted().joined(separator: " or "))")
        }
        return url
    }

    func token(for request: SubjectRequest, _ context: AccountContext) async throws -> String {
        let (foundKeys, foundRegion) = try await context.tokens.transport.attempts(3, pause: .milliseconds(500)) {
            let session = try await session(context)
            return (try await keys(context, session), try await region(context, session))
        }
        return try sign(foundKeys, region: foundRegion, audience: request.audience, at: context.tokens.now)
    }

    // MARK: Who this is

    /// The metadata service's own token, if it has to be asked at all.
    private func session(_ context: AccountContext) async throws -> String? {
        let isNeeded = Self.region(in: context.environment) == nil || Self.keys(in: context.environment) == nil
        guard isNeeded, let sessionAddress else { return nil }
        let answer = try await context.tokens.transport.answer(
            .PUT, sessionAddress, headers: [("X-aws-ec2-metadata-token-ttl-seconds", "300")], body: "", timeout: Self.timeout)
        guard answer.status == 200, JSONFields.isToken(answer.text) else { throw Self.error(answer, from: sessionAddress) }
        return answer.text
    }

    private static func region(in environment: [String: String]) -> String? {
        environment.value("AWS_REGION") ?? environment.value("AWS_DEFAULT_REGION")
    }

    private func region(_ context: AccountContext, _ session: String?) async throws -> String {
        if let region = Self.region(in: context.environment) { return region }
        guard let regionAddress else {
            throw CredentialsError(.invalid, "neither AWS_REGION nor region_url says which region of AWS this is")
        }
        // An availability zone: the region and a letter.
        return String(try await get(regionAddress, session, context).text.dropLast())
    }

    private static func keys(in environment: [String: String]) -> Keys? {
        guard let id = environment.value("AWS_ACCESS_KEY_ID"), let secret = environment.value("AWS_SECRET_ACCESS_KEY") else { return nil }
        return Keys(accessKeyID: id, secretAccessKey: secret, sessionToken: environment.value("AWS_SESSION_TOKEN"))
    }

    private func keys(_ context: AccountContext, _ session: String?) async throws -> Keys {
        if let keys = Self.keys(in: context.environment) { return keys }
        guard let roleAddress else {
            throw CredentialsError(.invalid, "neither AWS_ACCESS_KEY_ID nor url says what credentials of AWS there are")
        }
        let role = try await get(roleAddress, session, context).text
        let path = roleAddress.path.hasSuffix("/") ? roleAddress.path.dropLast() : roleAddress.path[...]
        guard !role.isEmpty, role.utf8.count <= 128, let url = try? roleAddress.resolving("\(path)/\(PercentCoding.encode(role))") else {
            throw CredentialsError(.invalid, "\(roleAddress.service) names no role")
        }
        let fields = try JSONFields(try await get(url, session, context).body, of: "the answer of \(url.service)")
        return Keys(
            accessKeyID: try fields.requiredSecret("AccessKeyId"), secretAccessKey: try fields.requiredSecret("SecretAccessKey"),
            sessionToken: try fields.requiredSecret("Token"))
    }

    private func get(_ url: ArtifactURL, _ session: String?, _ context: AccountContext) async throws -> CredentialsTransport.Answer {
        let headers = session.map { [("X-aws-ec2-metadata-token", $0)] } ?? []
        let answer = try await context.tokens.transport.answer(.GET, url, headers: headers, timeout: Self.timeout)
        guard answer.status == 200 else { throw Self.error(answer, from: url) }
        return answer
    }

    private static func error(_ answer: CredentialsTransport.Answer, from url: ArtifactURL) -> CredentialsError {
        let isTransient = answer.status >= 500 || [401, 429].contains(answer.status)
        return CredentialsError(isTransient ? .unavailable : .refused, "\(url.redacted) answers with status \(answer.status)")
    }

    // MARK: The request

    private func sign(_ keys: Keys, region: String, audience: String, at time: Timestamp) throws(CredentialsError) -> String {
        let isName = region.utf8.allSatisfy { PercentCoding.isUnreserved($0) && $0 != UInt8(ascii: ".") }
        guard isName, (1...32).contains(region.utf8.count) else {
            throw CredentialsError(.invalid, "the region of AWS is not the name of one")
        }
        let address = verifier.replacing("{region}", with: region)
        guard let url = try? ArtifactURL(address), url.scheme == .https, Self.isVerifier(url.host) else {
            throw CredentialsError(.invalid, "regional_cred_verification_url is not the address of AWS STS")
        }
        let time = SigningTime(time)
        var request = SignableRequest(
            method: "POST", host: url.authority, path: url.path, query: Self.items(of: url.query),
            headers: [("x-amz-date", time.dateTime), ("x-goog-cloud-target-resource", audience)])
        if let token = keys.sessionToken { request.headers.append(("x-amz-security-token", token)) }
        let scope = SigningScope(.amazon, secret: keys.secretAccessKey, day: time.day, region: region, service: "sts")
        let canonical = CanonicalRequest(
            request, query: CanonicalQuery(request.query).signed, payloadHash: Hex.encode(SHA256.hash(of: "")))
        let signature = scope.signature(of: "AWS4-HMAC-SHA256\n\(time.dateTime)\n\(scope.text)\n\(canonical.hash)")
        request.headers += [
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=\(keys.accessKeyID)/\(scope.text), SignedHeaders=\(canonical.signedHeaders), Signature=\(signature)"
            ), ("host", url.authority),
        ]
        let headers = request.headers.map { JSONValue.object(["key": .string($0.name), "value": .string($0.value)]) }
        let document = JSONValue.object(["url": .string(address), "method": .string("POST"), "headers": .array(headers)])
        return PercentCoding.encode(String(decoding: document.encoded, as: UTF8.self))
    }

    private static func isVerifier(_ host: String) -> Bool {
        host == "sts.amazonaws.com" || host.hasPrefix("sts.") && (host.hasSuffix(".amazonaws.com") || host.hasSuffix(".amazonaws.com.cn"))
    }

    private static func items(of query: String?) -> [(name: String, value: String?)] {
        (query ?? "").split(separator: "&").map { item in
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                .map { PercentCoding.decode($0) ?? String($0) }
            return (name: parts[0], value: parts.count == 2 ? parts[1] : nil)
        }
    }
}
