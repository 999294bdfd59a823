import MirrorCore
import NIOCore
import Synchronization

/// Hashes the parts of an artifact in their order, whatever the order in which they come: what came too early is held.
final class OrderedHash: Sendable {
    private struct Part {
        let bytes: ByteBuffer
        /// The memory is accounted for as long as the part is here.
        let memory: PartMemory
    }

    let hash: ArtifactHash
    private let early = Mutex<[Int: Part]>([:])
    private let front = Atomic(0)

    init(_ hash: ArtifactHash) {
        self.hash = hash
    }

    /// Whether this is the part that all others wait for.
    func isFront(_ number: Int) -> Bool { front.load(ordering: .acquiring) == number }

    /// - Parameter number: From 0, each once.
    func add(_ number: Int, _ bytes: ByteBuffer, _ memory: PartMemory) {
        let hashed = early.withLock { early in
            early[number] = Part(bytes: bytes, memory: memory)
            var hashed: [Part] = []
            while let part = early.removeValue(forKey: front.load(ordering: .relaxed)) {
                hash.update(part.bytes)
                front.add(1, ordering: .releasing)
                hashed.append(part)
            }
            return hashed
        }
        // Given back outside of the lock: whoever waits for memory is served then.
        withExtendedLifetime(hashed) {}
    }
}
