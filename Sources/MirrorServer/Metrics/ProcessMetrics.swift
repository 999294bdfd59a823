package import CoreMetrics
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif
import MirrorCore
import Synchronization

/// What every Prometheus client tells of its process, and which version this is.
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
    /// What the counter has been told.
    private let countedCPU = Mutex(0.0)

    package init(factory: any MetricsFactory) {
        cpu = FloatingPointCounter(label: Name.cpu, factory: factory)
        residentMemory = Gauge(label: Name.residentMemory, factory: factory)
        openDescriptors = Gauge(label: Name.openDescriptors, factory: factory)
        maxDescriptors = Gauge(label: Name.maxDescriptors, factory: factory)
        Gauge(label: Name.buildInfo, dimensions: [("version", CloudMirrorVersion.current)], factory: factory).record(1)
        if let start = Self.startTime() { Gauge(label: Name.start, factory: factory).record(start) }
    }

    /// Brings all of them up to date: some files of `/proc`, and nothing else.
    package func record() {
        let used = Self.cpuSeconds()
        countedCPU.withLock { counted in
            if used > counted { cpu.increment(by: used - counted) }
            counted = max(counted, used)
        }
        if let pages = Self.words(of: "/proc/self/statm").dropFirst().first.flatMap({ Int64($0) }) {
            residentMemory.record(pages * Int64(sysconf(Int32(_SC_PAGESIZE))))
        }
        if let count = Self.entries(of: "/proc/self/fd") { openDescriptors.record(count) }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 { maxDescriptors.record(Double(limit.rlim_cur)) }
    }

    private static func cpuSeconds() -> Double {
        var usage = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
        return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1_000_000 }
    }

    /// Seconds since 1970.
    private static func startTime() -> Double? {
        // Behind the name, which is in brackets and may hold anything; the 22nd of all fields.
        let fields = text(of: "/proc/self/stat").split(separator: ")").last?.split(separator: " ") ?? []
        let boot = text(of: "/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }?.split(separator: " ").last
        guard fields.count > 19, let ticks = Double(fields[19]), let boot = boot.flatMap({ Double($0) }) else { return nil }
        return boot + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func words(of path: String) -> [Substring] { text(of: path).split(separator: " ") }

    /// A small file of `/proc`; empty when it cannot be read.
    private static func text(of path: String) -> String {
        guard let file = fopen(path, "re") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while bytes.count < 1 << 20 {
            let count = fread(&chunk, 1, chunk.count, file)
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// How many entries a directory has, without the descriptor that counts them.
    private static func entries(of path: String) -> Int? {
        guard let directory = opendir(path) else { return nil }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // `.`, `..` and its own.
        return count - 3
    }
}
