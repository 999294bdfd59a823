import MirrorCore
import NIOHTTP1
import StorageCloud

/// The role of the EC2 instance, from version 2 of the instance metadata service. Version 1, which needs no token, is never used.
struct InstanceMetadataSource: CredentialsSource {
    let environment: [String: String]
    let transport: CredentialsTransport

    let name = "instance metadata"

    /// Seconds; six hours is the longest that the service grants.
    private static let tokenLife = "21600"
    private static let path = "/latest/meta-data/iam/security-credentials/"
    private static let endpointVariable = "AWS_EC2_METADATA_SERVICE_ENDPOINT"

    /// Why a lookup found no credentials.
    private struct Absence: Error {
        let reason: String
    }

    func look() async throws -> CredentialsFinding<S3Credentials> {
        if environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() == "true" { return .absent("AWS_EC2_METADATA_DISABLED is true") }
        let endpoint = try endpoint()
        // Most machines that get here are not EC2 instances, so there are only a few short attempts.
        let timeout = environment.value("AWS_METADATA_SERVICE_TIMEOUT").flatMap(Int.init).map { Duration.seconds(min(max($0, 1), 60)) }
        let attempts = environment.value("AWS_METADATA_SERVICE_NUM_ATTEMPTS").flatMap(Int.init).map { min(max($0, 1), 10) }
        var isReached = false
        do {
            return .found(
                try await transport.attempts(attempts ?? 2, pause: .milliseconds(100)) {
                    try await credentials(at: endpoint, timeout: timeout ?? .seconds(1), isReached: &isReached)
                })
        } catch let absence as Absence {
            return .absent(absence.reason)
        } catch let error as CredentialsError where !isReached && error.code == .unavailable {
            return .absent("\(error.message) (this is not an EC2 instance, or a container on one whose metadata hop limit is 1)")
        }
    }

    /// - Parameter isReached: Set as soon as there is an answer.
    private func credentials(at endpoint: ArtifactURL, timeout: Duration, isReached: inout Bool) async throws -> S3Credentials {
        let token = try await token(at: endpoint, timeout: timeout, isReached: &isReached)
        let roles = try await get(Self.path, token, at: endpoint, timeout: timeout)
        // One line for each role; an instance has at most one.
        guard let role = roles.text.split(whereSeparator: \.isNewline).first, Self.isRoleName(role) else {
            throw Absence(reason: "the instance has no role")
        }
        let document = try await get(Self.path + role, token, at: endpoint, timeout: timeout)
        return try await CredentialsError.prefixing(endpoint.service) {
            let credentials = try CredentialDocument.parse(document.body, from: .instanceMetadata)
            guard credentials.expires != nil else { throw CredentialsError(.invalid, "the answer has no Expiration") }
            return credentials
        }
    }

    private func token(at endpoint: ArtifactURL, timeout: Duration, isReached: inout Bool) async throws -> String {
        let url = try resolve("/latest/api/token", endpoint)
        let answer = try await transport.answer(
            .PUT, url, headers: [("X-aws-ec2-metadata-token-ttl-seconds", Self.tokenLife)], body: "", timeout: timeout)
        isReached = true
        switch answer.status {
        case 200:
            let token = answer.text
            guard !token.isEmpty, token.utf8.count <= 4_096, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw Absence(reason: "\(endpoint.service) is not a metadata service: it answers with something that is not a token")
            }
            return token
        case 429, 500...: throw CredentialsError(.unavailable, "\(url.redacted) answers with status \(answer.status)")
        case 403: throw Absence(reason: "\(endpoint.service) answers with status 403: access to instance metadata is turned off")
        default:
            throw Absence(reason: "\(endpoint.service) answers with status \(answer.status): it is not a metadata service of version 2")
        }
    }

    private func get(
        _ path: String, _ token: String, at endpoint: ArtifactURL, timeout: Duration
    ) async throws -> CredentialsTransport.Answer {
        let url = try resolve(path, endpoint)
        let answer = try await transport.answer(.GET, url, headers: [("X-aws-ec2-metadata-token", token)], timeout: timeout)
        switch answer.status {
        case 200: return answer
        case 404: throw Absence(reason: "the instance has no role")
        // The token may no longer be accepted; the next attempt gets a new one.
        default: throw CredentialsError(status: answer.status, of: url.redacted, isTransient: answer.status == 401)
        }
    }

    private func endpoint() throws(CredentialsError) -> ArtifactURL {
        let mode = environment.value("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")?.lowercased()
        let text: String
        switch (environment.value(Self.endpointVariable), mode) {
        case (let endpoint?, _): text = endpoint
        case (nil, nil), (nil, "ipv4"): text = "http://169.254.169.254"
        case (nil, "ipv6"): text = "http://[fd00:ec2::254]"
        case (nil, _): throw CredentialsError(.invalid, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is neither IPv4 nor IPv6")
        }
        return try .of(Self.endpointVariable, text)
    }

    private func resolve(_ path: String, _ endpoint: ArtifactURL) throws(CredentialsError) -> ArtifactURL {
        // The endpoint may have a path prefix.
        let prefix = endpoint.path.hasSuffix("/") ? endpoint.path.dropLast() : endpoint.path[...]
        return try .of(Self.endpointVariable, "\(endpoint.service)\(prefix)\(path)")
    }

    /// IAM User Guide, "IAM and AWS STS quotas": letters, digits and `+=,.@_-`. Two such names, `.` and `..`, would change the path.
    private static func isRoleName(_ name: Substring) -> Bool {
        name != "." && name != ".." && (1...128).contains(name.utf8.count)
            && name.utf8.allSatisfy { PercentCoding.isUnreserved($0) && $0 != UInt8(ascii: "~") || "+=,@".utf8.contains($0) }
    }
}
