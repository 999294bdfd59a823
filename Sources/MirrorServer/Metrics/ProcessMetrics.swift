package import CoreMetrics
import MirrorCore
import MirrorSystem
import Synchronization

/// What every Prometheus client reports about its process, and the version.
///
/// - SeeAlso: Prometheus, "Writing client libraries", process metrics.
package final class ProcessMetrics: Sendable {
    package enum Name {
        package static let buildInfo = "cloud_mirror_build_info"
        package static let cpu = "process_cpu_seconds_total"
        package static let residentMemory = "process_resident_memory_bytes"
        package static let start = "process_start_time_seconds"
        package static let openDescriptors = "process_open_fds"
        package static let maxDescriptors = "process_max_fds"
    }

    private let cpu: FloatingPointCounter
    private let residentMemory: Gauge
    private let openDescriptors: Gauge
    private let maxDescriptors: Gauge
    /// What has been added to the counter.
    private let countedCPU = Mutex(0.0)

    package init(factory: any MetricsFactory) {
        cpu = FloatingPointCounter(label: Name.cpu, factory: factory)
        residentMemory = Gauge(label: Name.residentMemory, factory: factory)
        openDescriptors = Gauge(label: Name.openDescriptors, factory: factory)
        maxDescriptors = Gauge(label: Name.maxDescriptors, factory: factory)
        Gauge(label: Name.buildInfo, dimensions: [("version", CloudMirrorVersion.current)], factory: factory).record(1)
        if let start = ProcessUsage.startTime { Gauge(label: Name.start, factory: factory).record(start) }
    }

    /// Updates all of them; reads only some files of `/proc`.
    package func record() {
        let used = ProcessUsage.processorSeconds
        countedCPU.withLock { counted in
            if used > counted { cpu.increment(by: used - counted) }
            counted = max(counted, used)
        }
        if let bytes = ProcessUsage.residentBytes { residentMemory.record(bytes) }
        if let count = ProcessUsage.openDescriptors { openDescriptors.record(count) }
        if let limit = ProcessUsage.descriptorLimit { maxDescriptors.record(limit) }
    }
}
