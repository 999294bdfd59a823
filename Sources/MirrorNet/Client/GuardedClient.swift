import AsyncHTTPClient
package import Logging
package import MirrorCore
package import NIOCore
import NIOHTTP1

/// Fetches from URLs that strangers name, under an egress policy.
///
/// Redirects are followed one by one. Every hop gets the same treatment: the policy is checked, the name is resolved once, every address is checked,
/// and the connection goes only to one of those addresses, so that a name server that changes its answer gains nothing. Proxies and cookies are not
/// used, credentials only if a request has them, and nothing is decompressed.
package final class GuardedClient: Sendable {
    private let policies: Reloadable<EgressPolicy>
    private let configuration: OutboundConfiguration
    private let resolver: any HostResolver
    private let clients: PinnedClients
    private let slots: RequestSlots
    private let logger: Logger

    /// How many addresses of one host are tried.
    private static let maxAddresses = 4
    /// Up to this many bytes of a redirect's own body are read to keep its connection; if there are more, the connection is closed.
    private static let maxRedirectBody: Int64 = 16 << 10

    package init(
        policy: EgressPolicy, configuration: OutboundConfiguration = OutboundConfiguration(), resolver: any HostResolver,
        eventLoopGroup: any EventLoopGroup, logger: Logger
    ) {
        policies = Reloadable(policy)
        self.configuration = configuration
        self.resolver = resolver
        self.logger = logger
        clients = PinnedClients(configuration: configuration, eventLoopGroup: eventLoopGroup)
        slots = RequestSlots(limit: configuration.connectionsPerOrigin)
    }

    /// What may be fetched. A new policy applies to requests that are sent from then on.
    package var policy: EgressPolicy {
        get { policies.value }
        set { policies.replace(with: newValue) }
    }

    /// Checks only the policy, without network access.
    ///
    /// - Throws: ``OutboundError/Code/refused(_:)``.
    package func check(_ url: ArtifactURL) throws {
        try Self.check(url, by: policy)
    }

    /// Whether a service elsewhere reaches the same host as this process: all its addresses are public, without the exceptions that the operator
    /// allows for this process.
    ///
    /// - Throws: ``OutboundError`` if the host has no address, or no name server answers; `CancellationError`.
    package func isPublic(_ url: ArtifactURL) async throws -> Bool {
        let found: [IPAddress]
        if let address = url.hostAddress { found = [address] } else { found = try await resolver.addresses(of: url.host) }
        do {
            return try !AddressGuard().check(found, of: url.host).isEmpty
        } catch {
            return false
        }
    }

    /// Sends a request, follows redirects, and returns once the head of the final response has arrived.
    ///
    /// - Throws: ``OutboundError``; `CancellationError`.
    package func send(_ request: OutboundRequest) async throws -> OutboundResponse {
        var url = request.url
        var fields = request.headers
        var credentials = request.credentials
        var addresses = [url]
        var redirects: [HTTPHeaders] = []
        let policy = policy
        while true {
            try Self.check(url, after: addresses.dropLast().last, by: policy)
            let hop = try await send(request, to: url, fields: fields + credentials, policy)
            guard request.method != .post, [301, 302, 303, 307, 308].contains(hop.status) else {
                return OutboundResponse(
                    status: hop.status, headers: hop.headers, body: hop.body, url: url, addresses: addresses, redirects: redirects,
                    isHTTP1_0: hop.isHTTP1_0)
            }
            guard addresses.count <= policy.maxRedirects else {
                throw OutboundError(.tooManyRedirects, "\(request.url.redacted): more than \(policy.maxRedirects) redirects")
            }
            let next = try Self.target(of: hop.headers, from: url)
            try await discard(hop)
            if (next.scheme, next.host, next.port) != (url.scheme, url.host, url.port) {
                fields.removeAll { ["authorization", "proxy-authorization", "cookie"].contains($0.name.lowercased()) }
                credentials = []
            }
            logger.debug(
                "Following a redirect",
                metadata: ["from": "\(url.redacted)", "to": "\(next.redacted)", "status": .stringConvertible(hop.status)])
            url = next
            addresses.append(next)
            redirects.append(hop.headers)
        }
    }

    /// Fails requests in progress; returns once all connections are closed. Nothing can be sent afterwards.
    package func shutdown() async {
        await clients.shutdown()
    }

    /// The number of pairs of host and address that have a client.
    var pinnedHostCount: Int { clients.count }

    // MARK: One hop

    struct Hop {
        let status: Int
        let headers: HTTPHeaders
        let body: OutboundBody
        let isHTTP1_0: Bool
    }

    private static func check(_ url: ArtifactURL, after previous: ArtifactURL? = nil, by policy: EgressPolicy) throws {
        do {
            try policy.check(url, after: previous)
        } catch {
            // A destination that the address guard forbids is refused as such, even if the rules do not allow the URL either.
            guard previous != nil, !error.reason.isOfAddress else { throw OutboundError(error) }
            do { try policy.addressGuard.check(host: url.host) } catch { throw OutboundError(error) }
            throw OutboundError(.redirectRefused(error, host: url.authority), error.message)
        }
    }

    /// Resolves the host and checks every address.
    private func addresses(of url: ArtifactURL, _ policy: EgressPolicy) async throws -> [IPAddress] {
        let found: [IPAddress]
        if let address = url.hostAddress {
            found = [address]
        } else {
            found = try await resolver.addresses(of: url.host)
        }
        do {
            let checked = try policy.addressGuard.check(found, of: url.host)
            guard !checked.isEmpty else { throw OutboundError(.unresolvable, "\(url.host) has no address") }
            return checked
        } catch let refusal as EgressRefusal {
            logger.notice(
                "The egress policy refuses an address",
                metadata: [
                    "host": "\(url.host)", "address": "\(refusal.address?.description ?? "-")", "reason": "\(refusal.reason.rawValue)",
                ])
            throw OutboundError(refusal)
        }
    }

    private func send(
        _ outbound: OutboundRequest, to url: ArtifactURL, fields: [(name: String, value: String)], _ policy: EgressPolicy
    ) async throws -> Hop {
        let candidates = clients.order(try await addresses(of: url, policy), for: url).prefix(Self.maxAddresses)
        let slot = try await slots.slot(for: "\(url.scheme.rawValue)://\(url.authority)")
        var request = HTTPClientRequest(url: "\(url.scheme.rawValue)://\(url.authority)/")
        let method = outbound.method
        request.method = HTTPMethod(rawValue: method.rawValue)
        if method == .post { request.body = .bytes(outbound.body ?? ByteBuffer()) }
        request.headers.add(name: RequestTargetHandler.fieldName, value: url.path + (url.query.map { "?\($0)" } ?? ""))
        for (name, value) in fields { request.headers.add(name: name, value: value) }
        request.addDefaults(configuration)
        var failure: any Error = OutboundError(.unresolvable, "\(url.host) has no address")
        for address in candidates {
            let lease = try clients.lease(.init(scheme: url.scheme, host: url.host, address: address))
            do {
                // GET and HEAD may be repeated (RFC 9110 §9.2.2).
                let response = try await lease.client.execute(
                    request, mayRepeat: { method != .post && OutboundError.isClosedConnection($0) })
                lease.note(isReachable: true)
                return try await Self.hop(from: response, to: method, url: url, holding: [lease, slot])
            } catch {
                failure = OutboundError.mapping(error, of: url, during: .head)
                guard let code = (failure as? OutboundError)?.code, Self.isWorthAnotherAddress(code),
                    method != .post || code == .connectFailed, !(error is ReadIdleError)
                else {
                    throw failure
                }
                lease.note(isReachable: false)
                logger.debug(
                    "An address does not answer", metadata: ["host": "\(url.host)", "address": "\(address)", "error": "\(failure)"])
            }
        }
        throw failure
    }

    private static func isWorthAnotherAddress(_ code: OutboundError.Code) -> Bool {
        switch code {
        case .connectFailed, .tlsFailed, .timedOut: true
        case .refused, .redirectRefused, .badRedirect, .tooManyRedirects, .unresolvable, .protocolError, .truncated: false
        }
    }

    static func hop(
        from response: HTTPClientResponse, to method: OutboundRequest.Method, url: ArtifactURL, holding held: [any Sendable]
    ) async throws -> Hop {
        Hop(
            status: Int(response.status.code), headers: response.headers,
            body: try await .of(response, url: url, isHead: method == .head, holding: held),
            isHTTP1_0: response.version.major < 1 || response.version == .http1_0)
    }

    // MARK: Redirects

    private static func target(of headers: HTTPHeaders, from url: ArtifactURL) throws -> ArtifactURL {
        let locations = Set(headers["location"])
        guard let location = locations.first, locations.count == 1 else {
            throw OutboundError(.badRedirect, "\(url.redacted) redirects \(locations.isEmpty ? "nowhere" : "to several places")")
        }
        do {
            return try url.resolving(location)
        } catch {
            throw OutboundError(.badRedirect, "\(url.redacted) redirects to something that is \(error)")
        }
    }

    private func discard(_ hop: Hop) async throws {
        guard let length = hop.headers.first(name: "content-length").flatMap(Int64.init), length <= Self.maxRedirectBody else { return }
        do {
            for try await _ in hop.body {}
        } catch let error as OutboundError {
            // The redirect's destination is known anyway.
            logger.debug("The body of a redirect is broken", metadata: ["error": "\(error)"])
        }
    }
}
