import CloudRegions
import Logging
import MirrorCore
import MirrorEngine
import MirrorServer

/// Keeps the clouds' address lists up to date. The previous lists stay in force until newer ones arrive.
struct RegionUpdates: Sendable {
    /// The time limit for one list, from the first byte sent to the last byte read.
    private static let patience = Duration.seconds(120)
    /// The longest pause after a failure.
    private static let retry = Duration.seconds(900)

    let sources: CloudRegionSources
    let reader: RegionSourceReader
    let selection: PoolSelection
    let metrics: RegionMetrics
    let clock: any MirrorClock
    let logger: Logger

    /// Runs until it is cancelled, even with nothing to do: if one part of the process returned, the whole process would end.
    func run() async {
        for list in selection.table.lists { metrics.record(list) }
        while !Task.isCancelled {
            var isComplete = true
            for (cloud, source) in sources.all {
                let isUpdated = await update(cloud, from: source)
                isComplete = isComplete && isUpdated
            }
            try? await clock.sleep(for: isComplete ? sources.refresh : min(sources.refresh, Self.retry))
        }
    }

    /// - Returns: Whether a usable list was read.
    func update(_ cloud: Cloud, from source: CloudRegionSources.Source) async -> Bool {
        do {
            let (reader, now) = (reader, clock.now)
            let read = try await leaving(after: Self.patience, by: clock) { try await reader.read(source, of: cloud, at: now) }
            guard let list = read else { throw RegionSourceReader.Failure(description: "it did not arrive in time") }
            if let old = selection.table.list(of: cloud), !list.canReplace(old) {
                throw RegionSourceReader.Failure(
                    description: "it has \(list.prefixes) prefixes, less than half as many as the list in use (\(old.prefixes))")
            }
            selection.replaceList(with: list)
            metrics.record(list)
            metrics.count(cloud, isRefused: false)
            logger.info(
                "read a list of cloud regions", metadata: ["cloud": "\(cloud.rawValue)", "prefixes": .stringConvertible(list.prefixes)])
            return true
        } catch is CancellationError {
            return false
        } catch {
            metrics.count(cloud, isRefused: true)
            logger.warning(
                "a list of cloud regions cannot be used; the previous one stays in use",
                metadata: [
                    "cloud": "\(cloud.rawValue)", "source": "\(source.fetchURL?.redacted ?? source.description)", "error": "\(error)",
                ])
            return false
        }
    }
}
