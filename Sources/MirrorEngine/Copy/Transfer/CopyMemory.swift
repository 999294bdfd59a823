import MirrorState
import NIOCore
import Synchronization

/// Memory for the parts of all copies, taken as their bytes arrive; ``MemoryLedger`` has the rules.
final class CopyMemory: Sendable {
    private typealias Waiter = CheckedContinuation<Bool, Never>

    private struct State {
        var ledger: MemoryLedger
        var waiters: [MemoryLedger.PartID: Waiter] = [:]
        /// Blocks of ``PartBuffer/blockSize`` that parts have given back, to be reused by the next parts. Together with what parts hold, they never
        /// exceed the memory budget.
        var spare: [ByteBuffer] = []

        mutating func serve() -> [Waiter] { ledger.serve().compactMap { waiters.removeValue(forKey: $0) } }
    }

    private let state: Mutex<State>

    init(_ configuration: CopyConfiguration) {
        let share = Double(min(configuration.slotsPerOrigin, configuration.concurrency)) / Double(configuration.concurrency)
        state = Mutex(
            State(
                ledger: MemoryLedger(
                    capacity: configuration.memory, share: max(1, Int64(Double(configuration.memory) * share)))))
    }

    /// Origins whose copies wait for memory that other origins' copies hold.
    var waitingOrigins: Set<CopyLane> { state.withLock { $0.ledger.waitingOrigins } }

    /// Bytes that parts hold.
    var held: Int64 { state.withLock { $0.ledger.held } }

    /// Parts that wait for memory.
    var waitingCount: Int { state.withLock { $0.ledger.waitingCount } }

    /// Registers a part, which has no memory at first.
    ///
    /// - Parameter isFront: Whether the rest of its copy waits for this part; called under a lock, so it must be quick and must not take a lock.
    func part(of origin: CopyLane, size: Int64, isFront: @escaping @Sendable () -> Bool) -> PartMemory {
        PartMemory(self, state.withLock { $0.ledger.add(origin, size: max(size, 1), isFront: isFront) })
    }

    /// - Returns: How many bytes the part then has.
    fileprivate func take(_ id: MemoryLedger.PartID, _ bytes: Int64) async throws -> Int64 {
        let isGranted = await withTaskCancellationHandler {
            await withCheckedContinuation { (waiter: Waiter) in
                let (answer, served) = state.withLock { state -> (Bool?, [Waiter]) in
                    if Task.isCancelled { return (false, []) }
                    state.ledger.ask(id, for: bytes)
                    if state.ledger.held(by: id) >= bytes { return (true, []) }
                    state.waiters[id] = waiter
                    return (nil, state.serve())
                }
                if let answer { waiter.resume(returning: answer) }
                served.forEach { $0.resume(returning: true) }
            }
        } onCancel: {
            cancel(id)
        }
        guard isGranted else { throw CancellationError() }
        return state.withLock { $0.ledger.held(by: id) }
    }

    private func cancel(_ id: MemoryLedger.PartID) {
        let (waiter, served) = state.withLock { state -> (Waiter?, [Waiter]) in
            guard let waiter = state.waiters.removeValue(forKey: id) else { return (nil, []) }
            state.ledger.withdraw(id)
            return (waiter, state.serve())
        }
        waiter?.resume(returning: false)
        served.forEach { $0.resume(returning: true) }
    }

    fileprivate func giveBack(_ id: MemoryLedger.PartID, _ blocks: [ByteBuffer]) {
        let (served, dropped) = state.withLock { state -> ([Waiter], [ByteBuffer]) in
            state.ledger.remove(id)
            state.spare += blocks
            // If there are no parts, nothing is kept.
            let kept = state.ledger.isEmpty ? 0 : Int(state.ledger.free) / PartBuffer.blockSize
            let dropped = Array(state.spare.dropFirst(kept))
            state.spare.removeLast(dropped.count)
            return (state.serve(), dropped)
        }
        // The memory is freed outside the lock.
        withExtendedLifetime(dropped) {}
        served.forEach { $0.resume(returning: true) }
    }

    /// Bytes of the blocks that are kept for the next parts.
    var spare: Int { state.withLock { $0.spare.count } * PartBuffer.blockSize }

    fileprivate func block() -> ByteBuffer {
        guard var block = state.withLock({ $0.spare.popLast() }) else {
            return ByteBufferAllocator().buffer(capacity: PartBuffer.blockSize)
        }
        // If something still holds the bytes of the former part, this allocates new memory.
        block.clear()
        return block
    }
}

/// The memory of one part; given back when the last reference is dropped.
final class PartMemory: Sendable {
    private let memory: CopyMemory
    private let id: MemoryLedger.PartID
    private let blocks = Mutex<[ByteBuffer]>([])

    fileprivate init(_ memory: CopyMemory, _ id: MemoryLedger.PartID) {
        self.memory = memory
        self.id = id
    }

    deinit {
        memory.giveBack(id, blocks.withLock { $0 })
    }

    /// An empty block of ``PartBuffer/blockSize``.
    func block() -> ByteBuffer { memory.block() }

    /// Keeps blocks of the part, to give them back with its memory.
    func keep(_ blocks: [ByteBuffer]) {
        self.blocks.withLock { $0 = blocks.filter { $0.storageCapacity == PartBuffer.blockSize } }
    }

    /// Waits until there is memory for the first `bytes` of the part. One task at a time.
    ///
    /// - Returns: The number of bytes for which there is memory; may be more than requested if the part is larger.
    /// - Throws: `CancellationError`.
    func take(_ bytes: Int64) async throws -> Int64 {
        try await memory.take(id, bytes)
    }
}
