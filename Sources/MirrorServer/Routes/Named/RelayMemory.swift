import MirrorCore
import Synchronization

/// The memory for requests and answers that are passed on, but held as a whole on the way: anybody may send many at once, and be slow to read.
final class RelayMemory: Sendable {
    private struct State {
        var bytes = 0
        var shares = NetworkShares()
    }

    /// Bytes.
    let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: In bytes, of which one client network may have a quarter.
    init(limit: Int = 64 << 20) {
        self.limit = limit
    }

    /// What one request takes of it. Given back as soon as nobody has it.
    final class Holding: Sendable {
        private let memory: RelayMemory
        private let network: ClientNetwork?
        private let held = Mutex(0)

        fileprivate init(_ memory: RelayMemory, _ network: ClientNetwork?) {
            self.memory = memory
            self.network = network
        }

        deinit { memory.giveBack(held.withLock { $0 }, network) }

        /// Holds so many bytes in place of those before.
        ///
        /// - Throws: ``RequestError`` if there is no room for them.
        func hold(_ bytes: Int) throws(RequestError) {
            let hasRoom = held.withLock { held in
                if bytes > held {
                    guard memory.take(bytes - held, network) else { return false }
                } else {
                    memory.giveBack(held - bytes, network)
                }
                held = bytes
                return true
            }
            guard hasRoom else { throw RequestError(.unavailable, "too much is being passed on at the moment; try again later") }
        }
    }

    /// - Parameter network: `nil` for many clients, who have no share.
    func holding(for network: ClientNetwork?) -> Holding { Holding(self, network) }

    private func take(_ bytes: Int, _ network: ClientNetwork?) -> Bool {
        state.withLock { state in
            guard state.bytes <= limit - bytes else { return false }
            if let network {
                guard state.shares.full(network, limit: limit / 4, for: bytes) == nil else { return false }
                state.shares.take(network, bytes)
            }
            state.bytes += bytes
            return true
        }
    }

    private func giveBack(_ bytes: Int, _ network: ClientNetwork?) {
        guard bytes > 0 else { return }
        state.withLock { state in
            state.bytes -= bytes
            if let network { state.shares.giveBack(network, bytes) }
        }
    }
}
