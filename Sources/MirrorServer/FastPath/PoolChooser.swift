import MirrorCore
import MirrorEngine
import NIOHTTP1
import NamedOrigins

/// Chooses the pool for the requests of one connection whose target names none: once for all of them or, where a trusted proxy stands for many
/// clients or a client may name its pool in a field, for each one.
///
/// A choice holds until the selector is replaced.
struct PoolChooser {
    private struct Rule {
        var selector: PoolSelector
        /// For all requests whose fields do not matter; `nil` if each may be from another client.
        var choice: PoolChoice?
        /// The same for whether the clients get artifacts of named origins by redirects.
        var isRedirected: Bool?
    }

    /// The client that sent a request.
    private struct Sender {
        let address: IPAddress?
    }

    /// The field in which a client may name its pool, where that is allowed.
    static let poolField: StaticString = "x-cloud-mirror-pool"
    /// The field in which a client may say how it wants artifacts of named origins.
    static let deliveryField: StaticString = "x-cloud-mirror-delivery"
    /// A request for a small part of a named origin's artifact may not get a redirect.
    private static let rangeField: StaticString = "range"

    /// The other end of the connection, or the client that a proxy named with the PROXY protocol; `nil` for a Unix socket.
    var peer: IPAddress? { didSet { version = nil } }
    private let pools: PoolTable
    private let selector: Reloadable<PoolSelector>
    private var rule: Rule
    /// The selector's version when the rule was made; `nil` if there is no rule yet.
    private var version: Int?

    init(peer: IPAddress?, pools: PoolTable, selector: Reloadable<PoolSelector>) {
        self.peer = peer
        self.pools = pools
        self.selector = selector
        rule = Rule(selector: selector.value)
    }

    /// - Parameter head: Exactly the head of a request that was found to be plain.
    /// - Returns: `nil` for the slow path: if the fields are longer than what is read (``ForwardedFields``) or name an unknown pool, or if the client
    ///   may get an artifact in another way than by a redirect.
    mutating func choice(ofPlain head: UnsafeRawBufferPointer) -> PoolChoice? {
        followSelector()
        if NamedRoutes.isBelow(head.dropFirst(4)) || NamedRoutes.isBelow(head.dropFirst(5)) {
            guard RequestScanner.values(of: Self.deliveryField, inPlain: head).isEmpty,
                RequestScanner.values(of: Self.rangeField, inPlain: head).isEmpty, isRedirected({ sender(ofPlain: head) })
            else { return nil }
        }
        if rule.selector.selection.poolHeader {
            let names = RequestScanner.values(of: Self.poolField, inPlain: head)
            if let name = names.first {
                return names.count == 1 ? PoolChoice(naming: String(decoding: head[name], as: UTF8.self), of: pools) : nil
            }
        }
        if let choice = rule.choice { return choice }
        return sender(ofPlain: head).map { PoolChoice(rule.selector, for: $0.address, of: pools) }
    }

    /// The network of the client that sent a plain request; `nil` if the fields are longer than what is read.
    mutating func client(ofPlain head: UnsafeRawBufferPointer) -> ClientNetwork? {
        followSelector()
        return sender(ofPlain: head).map { ClientNetwork($0.address) }
    }

    /// - Returns: `nil` if the fields are longer than what is read.
    private func sender(ofPlain head: UnsafeRawBufferPointer) -> Sender? {
        let name = rule.selector.selection.proxyHeader.fieldName
        var length = 0
        let client = rule.selector.client(
            peer: peer,
            reading: { forwardedFor in
                RequestScanner.forEachValue(of: name, inPlain: head) { value in
                    length += name.utf8CodeUnitCount + value.count
                    // What is too long is not read here, so that padding costs nothing.
                    if length <= ForwardedFields.maxLength { forwardedFor.read(UnsafeRawBufferPointer(rebasing: head[value])) }
                }
            })
        return length <= ForwardedFields.maxLength ? Sender(address: client) : nil
    }

    /// Whether a client gets artifacts of named origins by redirects, as far as its network decides that.
    private func isRedirected(_ sender: () -> Sender?) -> Bool {
        if let isRedirected = rule.isRedirected { return isRedirected }
        return sender().map { rule.selector.delivery(for: $0.address).isRedirect } ?? false
    }

    /// The same for a parsed head.
    mutating func choice(of head: HTTPRequestHead) -> PoolChoice? {
        followSelector()
        if NamedRoutes.isBelow(head.uri.utf8) {
            guard !head.headers.contains(name: "\(Self.deliveryField)"), !head.headers.contains(name: "\(Self.rangeField)"),
                isRedirected({ sender(of: head) })
            else { return nil }
        }
        if rule.selector.selection.poolHeader {
            let names = head.headers["\(Self.poolField)"]
            if let name = names.first {
                return names.count == 1 ? PoolChoice(naming: Substring(ForwardedFields.trimmed(name.utf8[...])), of: pools) : nil
            }
        }
        if let choice = rule.choice { return choice }
        return PoolChoice(rule.selector, for: sender(of: head).address, of: pools)
    }

    private func sender(of head: HTTPRequestHead) -> Sender {
        Sender(address: rule.selector.client(peer: peer, values: { ForwardedFields.values(of: head.headers, $0) }))
    }

    private mutating func followSelector() {
        guard version != selector.version else { return }
        let current = selector.versioned
        version = current.version
        // Where the fields do not matter, neither does the client behind a proxy.
        let isSame = !current.value.dependsOnProxy(peer)
        rule = Rule(
            selector: current.value, choice: isSame ? PoolChoice(current.value, for: peer, of: pools) : nil,
            isRedirected: isSame ? current.value.delivery(for: peer).isRedirect : nil)
    }
}

extension Delivery? {
    /// Whether a network leaves its clients the redirects that all others get.
    var isRedirect: Bool { self == nil || self == .redirect }
}
