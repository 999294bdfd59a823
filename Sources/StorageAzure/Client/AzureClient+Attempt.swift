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
        /// What the request carried.
        var credentials: AzureCredentials?
        /// Whether more is known of the service's clock than when the request was made.
        var isTimeNews: Bool
    }

    /// A smaller difference does no harm: the service refuses requests that are more than fifteen minutes off, and locations last for minutes.
    private static let clockTolerance: Duration = .seconds(300)

    func attempt(_ call: AzureCall) async throws -> Attempt {
        do {
            let credentials = try await credentials.credentials()
            let offset = clockOffset.value
            let response = try await http.send(try request(call, credentials))
            // From every answer: a request with a token is never refused for its time, but what is signed beside it would be.
            learnTime(response.headers)
            return Attempt(
                answer: try await answer(from: response, to: call), credentials: credentials, isTimeNews: clockOffset.value != offset)
        } catch {
            throw CloudErrors.azure.mapping(error, call: call.name)
        }
    }

    private func learnTime(_ headers: HTTPHeaders) {
        guard let date = headers.first(name: "date"), clockOffset.learn(date: date, at: clock.now, tolerance: Self.clockTolerance) else {
            return
        }
        logger.warning(
            "this machine's clock is off; signatures use the service's time from now on",
            metadata: ["account": "\(endpoint.account)", "offset_seconds": .stringConvertible(clockOffset.value)])
    }

    func currentCredentials(for call: String) async throws -> AzureCredentials? {
        do {
            return try await credentials.credentials()
        } catch {
            throw CloudErrors.azure.mapping(error, call: call)
        }
    }

    private func request(_ call: AzureCall, _ credentials: AzureCredentials?) throws -> ServiceRequest {
        let signed = try signed(call, credentials, isPart: false)
        var headers = HTTPHeaders(signed.headers.map { ($0.name, $0.value) })
        headers.replaceOrAdd(name: "Host", value: endpoint.authority)
        return ServiceRequest(
            method: call.method, scheme: endpoint.scheme, host: endpoint.host, port: endpoint.port, target: signed.target, headers: headers,
            body: call.body.content, isDeletion: call.name == "delete")
    }

    /// A request with everything that says who asks.
    ///
    /// - Parameter isPart: Whether it is a part of a batch, which has the version of the whole.
    func signed(
        _ call: AzureCall, _ credentials: AzureCredentials?, isPart: Bool
    ) throws -> (headers: [(name: String, value: String)], target: String) {
        let path: String
        switch call.place {
        case .account: path = endpoint.path("")
        case .container: path = endpoint.path(container)
        case .blob(let name): path = endpoint.path(container, blob: name)
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
        return (request.headers, target)
    }

    /// Whoever sees a token has all that it permits; on the way to this machine itself there is nobody.
    private var mayCarryToken: Bool { endpoint.scheme == .https || LocalHost.isThisMachine(endpoint.host) }

    private func answer(from response: ServiceResponse, to call: AzureCall) async throws -> AzureAnswer {
        let (body, said) = try await response.content(of: call.name, errors: .azure)
        return AzureAnswer(
            status: response.status, headers: response.headers, body: body,
            failure: said.map { AzureFailure(status: response.status, headers: response.headers, body: $0) })
    }
}
