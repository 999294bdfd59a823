import NIOCore
import Synchronization

/// Hashes the parts of an artifact in order, even if they arrive out of order; early parts are held.
final class OrderedHash: Sendable {
    private struct Part {
        let bytes: [ByteBuffer]
        /// The memory is accounted for as long as the part is here.
        let memory: PartMemory
    }

    private struct State {
        var early: [Int: Part] = [:]
        var isHashing = false

        /// The part that all others wait for; `nil` if it has not arrived, or if a task is already hashing.
        mutating func next(_ number: Int) -> Part? {
            guard !isHashing, let part = early.removeValue(forKey: number) else { return nil }
            isHashing = true
            return part
        }
    }

    let hash: ArtifactHash
    private let state = Mutex(State())
    private let front = Atomic(0)

    init(_ hash: ArtifactHash) {
        self.hash = hash
    }

    /// Whether this is the part that all others wait for.
    func isFront(_ number: Int) -> Bool { front.load(ordering: .acquiring) == number }

    /// Hashes what can be hashed. If another task is hashing, that task will also hash this part, so no task waits for another.
    ///
    /// - Parameter number: Counted from 0; each number once.
    func add(_ number: Int, _ bytes: [ByteBuffer], _ memory: PartMemory) {
        var next = state.withLock { state in
            state.early[number] = Part(bytes: bytes, memory: memory)
            return state.next(front.load(ordering: .relaxed))
        }
        while let part = next {
            for chunk in part.bytes { hash.update(chunk) }
            next = state.withLock { state in
                state.isHashing = false
                return state.next(front.add(1, ordering: .releasing).newValue)
            }
            // Given back after the next part has become the front: this is when the ledger looks which parts wait.
            withExtendedLifetime(part.memory) {}
        }
    }
}
