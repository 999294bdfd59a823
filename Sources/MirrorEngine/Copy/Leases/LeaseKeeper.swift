import Logging
import MirrorCore
import MirrorState

/// Keeps leases alive while their copies run, and measures the speed of the copies.
struct LeaseKeeper: Sendable {
    let state: any StateStore
    let slots: CopySlots
    let memory: CopyMemory
    let configuration: CopyConfiguration
    let metrics: EngineMetrics
    let clock: any MonotonicClock
    let logger: Logger
    /// Called when a copy has given up its slot.
    let onFreeSlot: @Sendable () -> Void

    /// Keeps the lease alive with heartbeats while `operation` runs, and cancels it if the lease is lost or the copy must make room for another.
    func keep<Success: Sendable>(
        _ lease: CopyLease, for copy: CopySlots.Copy, _ operation: @escaping @Sendable () async throws -> Success
    ) async throws -> Success {
        try await withThrowingTaskGroup(of: Success?.self) { group in
            group.addTask { try await operation() }
            group.addTask {
                try await beat(lease, copy)
                return nil
            }
            group.addTask {
                await copy.yielding.wait(upTo: nil, clock: clock)
                try Task.checkCancellation()
                throw CopyError(.transfer, isTransient: true, "the origin sends too slowly, and another copy needs the slot")
            }
            while let success = try await group.next() {
                if let success {
                    group.cancelAll()
                    return success
                }
            }
            throw CancellationError()
        }
    }

    /// Sends an extra heartbeat for every running copy.
    func renewAll() async {
        // A failure is ignored: the copy's own heartbeats show whether the lease is lost.
        for lease in slots.leases { _ = try? await state.extend(lease, duration: configuration.lease) }
    }

    private func beat(_ lease: CopyLease, _ copy: CopySlots.Copy) async throws {
        var isFailing = false
        while true {
            try await clock.sleep(for: min(configuration.lease / 3, configuration.minRateWindow))
            measure(copy, lease.id)
            do {
                let now = clock.instant
                _ = try await state.extend(lease, duration: configuration.lease)
                copy.renewed = now
                isFailing = false
            } catch let error as StateError where error.code == .unavailable {
                // No other worker can take the job while the store is unavailable. Once the store is back, the next heartbeat shows whether the job
                // was taken.
                if !isFailing {
                    logger.warning(
                        "heartbeat failed", metadata: ["artifact": "\(lease.id.artifact.redacted)", "error": "\(error)"])
                }
                isFailing = true
            }
        }
    }

    /// Makes a copy whose origin is too slow give up its slot, and end if others wait for the memory that it holds.
    private func measure(_ copy: CopySlots.Copy, _ id: ReplicaID) {
        defer { if slots.mustYield(copy, to: memory.waitingOrigins) { copy.yielding.notify() } }
        guard let rates = copy.progress.takeRates(over: configuration.minRateWindow),
            slots.measure(copy, bytesPerSecond: rates.last, CopyPace(rates, minRate: configuration.minRate))
        else { return }
        metrics.countSlow(pool: id.pool)
        logger.notice(
            "a slow copy gives up its slot",
            metadata: [
                "artifact": "\(id.artifact.redacted)", "pool": "\(id.pool)", "bytes_per_second": "\(rates.last)",
                "average": "\(rates.average)", "windows": "\(rates.windows)",
            ])
        onFreeSlot()
    }
}
