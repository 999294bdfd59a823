import MirrorCore
import MirrorEngine
import NIOHTTP1

/// Chooses the pool for the requests of one connection that name none: once for all of them or, where a trusted proxy speaks for many clients,
/// for each of them.
///
/// Takes no memory for a request. What was chosen holds until the selector is replaced.
struct PoolChooser {
    private enum Rule {
        case same(PoolChoice)
        case each(PoolSelector)
    }

    /// The other end of the connection; `nil` for a Unix socket.
    let peer: IPAddress?
    private let pools: PoolTable
    private let selector: Reloadable<PoolSelector>
    private var rule = Rule.same(.origin)
    /// The selector's that the rule was made by; `nil` before there is one.
    private var version: Int?

    init(peer: IPAddress?, pools: PoolTable, selector: Reloadable<PoolSelector>) {
        self.peer = peer
        self.pools = pools
        self.selector = selector
    }

    /// - Parameter head: Of a request that was found to be plain, and no more.
    /// - Returns: `nil` when the fields are longer than they are read (``ForwardedFields``): that is for the slow path.
    mutating func choice(ofPlain head: UnsafeRawBufferPointer) -> PoolChoice? {
        switch currentRule() {
        case .same(let choice): return choice
        case .each(let selector):
            var length = 0
            let client = selector.client(peer: peer) { forwardedFor in
                RequestScanner.forEachValue(of: ForwardedFields.name, inPlain: head) { value in
                    length += ForwardedFields.name.utf8CodeUnitCount + value.count
                    // What is too long is not read here, so that padding costs nothing.
                    if length <= ForwardedFields.maxLength { forwardedFor.read(UnsafeRawBufferPointer(rebasing: head[value])) }
                }
            }
            return length <= ForwardedFields.maxLength ? PoolChoice(selector, for: client, of: pools) : nil
        }
    }

    /// The same for a head that was parsed.
    mutating func choice(of head: HTTPRequestHead) -> PoolChoice {
        switch currentRule() {
        case .same(let choice): choice
        case .each(let selector):
            PoolChoice(
                selector, for: selector.client(peer: peer, forwardedFor: ForwardedFields.values(of: head.headers)), of: pools)
        }
    }

    private mutating func currentRule() -> Rule {
        guard version != selector.version else { return rule }
        let current = selector.versioned
        version = current.version
        // Where the fields do not matter, neither does the client behind a proxy.
        let isSame = !current.value.dependsOnForwardedFor(from: peer)
        rule = isSame ? .same(PoolChoice(current.value, for: peer, of: pools)) : .each(current.value)
        return rule
    }
}
