import Logging
import MirrorCore
import MirrorNet
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud
import Synchronization

/// One attempt at a request.
extension AzureClient {
    struct Attempt {
        var answer: AzureAnswer
        /// The credentials that the request used.
        var credentials: AzureCredentials?
        /// Whether the service's clock is better known than when the request was made.
        var isTimeNews: Bool
    }

    /// A smaller difference does no harm: the service refuses requests that are more than fifteen minutes off, and locations last for minutes.
    private static let clockTolerance: Duration = .seconds(300)

    func attempt(_ call: AzureCall) async throws -> Attempt {
        do {
            let credentials = try await credentials.credentials()
            let offset = clockOffset.value
            let response = try await http.send(try request(call, credentials))
            // From every answer: a request with a token is never refused because of its time, but a signature made at the same time would be.
            clockOffset.learn(
                from: response.headers, at: clock.now, tolerance: Self.clockTolerance, logger, ["account": "\(endpoint.account)"])
            return Attempt(
                answer: try await AzureAnswer(response, to: call.name), credentials: credentials, isTimeNews: clockOffset.value != offset)
        } catch {
            throw CloudErrors.azure.mapping(error, call: call.name)
        }
    }

    private func request(_ call: AzureCall, _ credentials: AzureCredentials?) throws -> ServiceRequest {
        let (signed, target) = try signed(call, credentials, isPart: false)
        return signed.sent(to: endpoint, target: target, body: call.body.content, isDeletion: call.name == "delete")
    }

    /// A request with its authentication.
    ///
    /// - Parameter isPart: Whether it is a part of a batch, which has the version of the whole.
    func signed(
        _ call: AzureCall, _ credentials: AzureCredentials?, isPart: Bool
    ) throws -> (request: SignableRequest, target: String) {
        let path: String
        switch call.place {
        case .account: path = endpoint.path("")
        case .bucket: path = endpoint.path(bucket)
        case .object(let name): path = endpoint.path(bucket, blob: name)
        }
        var request = SignableRequest(
            method: call.method.rawValue, host: endpoint.authority, path: path, query: call.query, headers: call.headers)
        request.headers.append(("x-ms-date", now.httpDate))
        if !isPart { request.headers.append(("x-ms-version", AzureService.version)) }
        var target = request.target
        switch credentials?.kind {
        case .key(let key):
            let authorization = SharedKeySigner.authorization(for: request, contentLength: call.body.length, key: key)
            request.headers.append(("authorization", authorization))
        case .token(let token):
            guard mayCarryToken else {
                throw CloudErrors.azure.error(
                    .permissionDenied, "a token is not sent by plain HTTP: write https in `endpoint`, or use an account key", call.name)
            }
            request.headers.append(("authorization", "Bearer \(token)"))
        case .signature(let signature): target += "\(request.query.isEmpty ? "?" : "&")\(signature.query)"
        case nil: break
        }
        let isToken = if case .token = credentials?.kind { true } else { false }
        hasToken.withLock { $0 = isToken }
        return (request, target)
    }

    /// Anyone who sees a token can do everything that it permits. Traffic to the machine itself cannot be read by others.
    private var mayCarryToken: Bool { endpoint.scheme == .https || LocalHost.isThisMachine(endpoint.host) }
}
