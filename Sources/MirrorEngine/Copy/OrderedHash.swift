import MirrorCore
import NIOCore
import Synchronization

/// Hashes the parts of an artifact in their order, whatever the order in which they come: what came too early is held.
final class OrderedHash: Sendable {
    private struct State {
        var front = 0
        var early: [Int: Part] = [:]
    }

    private struct Part {
        let bytes: ByteBuffer
        /// The memory is accounted for as long as the part is here.
        let grant: ByteBudget.Grant
    }

    let hash: ArtifactHash
    private let state = Mutex(State())

    init(_ hash: ArtifactHash) {
        self.hash = hash
    }

    /// - Parameter number: From 0, each once.
    func add(_ number: Int, _ bytes: ByteBuffer, _ grant: ByteBudget.Grant) {
        state.withLock { state in
            state.early[number] = Part(bytes: bytes, grant: grant)
            while let part = state.early.removeValue(forKey: state.front) {
                hash.update(part.bytes)
                state.front += 1
            }
        }
    }
}
