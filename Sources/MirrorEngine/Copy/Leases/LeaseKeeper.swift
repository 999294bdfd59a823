import Logging
import MirrorCore
import MirrorState
import Synchronization

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
    ///
    /// Most copies end before their first heartbeat, and cost no task for it.
    func keep<Success: Sendable>(
        _ lease: CopyLease, for copy: CopySlots.Copy, _ operation: @escaping @Sendable () async throws -> Success
    ) async throws -> Success {
        let heart = Heart()
        let work = startNow { () async throws -> Success in
            defer { heart.noteEnd() }
            return try await operation()
        }
        @Sendable func end(because error: any Error) {
            heart.note(error)
            work.cancel()
        }
        let first = clock.timer(after: pause) {
            heart.begin {
                Task {
                    do { try await beat(lease, copy) } catch { end(because: error) }
                }
            }
        }
        copy.yielding.whenNotified {
            end(because: CopyError(.transfer, isTransient: true, "the origin sends too slowly, and another copy needs the slot"))
        }
        let result = await withTaskCancellationHandler {
            await work.result
        } onCancel: {
            work.cancel()
        }
        first.cancel()
        copy.yielding.forget()
        if let reason = await heart.reason() { throw reason }
        return try result.get()
    }

    /// Between two heartbeats.
    private var pause: Duration { min(configuration.lease / 3, configuration.minRateWindow) }

    /// Sends an extra heartbeat for every running copy.
    func renewAll() async {
        // A failure is ignored: the copy's own heartbeats show whether the lease is lost.
        for lease in slots.leases { _ = try? await state.extend(lease, duration: configuration.lease) }
    }

    private func beat(_ lease: CopyLease, _ copy: CopySlots.Copy) async throws {
        var isFailing = false
        while true {
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
            try await clock.sleep(for: pause)
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

/// The heartbeats of one copy, and why it must end before its time.
private final class Heart: Sendable {
    private struct State {
        var beats: Task<Void, Never>?
        var reason: (any Error)?
        var hasEnded = false
    }

    private let state = Mutex(State())

    /// Begins to beat, unless the copy has ended.
    func begin(_ beats: () -> Task<Void, Never>) {
        state.withLock { if !$0.hasEnded { $0.beats = beats() } }
    }

    /// Why the copy must end; the first reason counts, and none once the copy has ended.
    func note(_ reason: any Error) {
        state.withLock { if !$0.hasEnded, $0.reason == nil { $0.reason = reason } }
    }

    func noteEnd() {
        state.withLock { $0.hasEnded = true }
    }

    /// To be called when the copy has ended. Returns when the last heartbeat has ended, too.
    ///
    /// - Returns: Why the copy had to end, if it had to.
    func reason() async -> (any Error)? {
        let (beats, reason) = state.withLock { ($0.beats, $0.reason) }
        beats?.cancel()
        await beats?.value
        return reason
    }
}
