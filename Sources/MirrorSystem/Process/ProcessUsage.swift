import CLibrary
import CProcess
/// The resources that this process uses, if the system reports them (`/proc`).
package enum ProcessUsage {
    /// Seconds on all processors, since the start.
    package static var processorSeconds: Double { c_process_cpu_seconds() }

    package static var residentBytes: Int64? {
        guard let pages = text(of: "/proc/self/statm").split(separator: " ").dropFirst().first.flatMap({ Int64($0) }) else { return nil }
        return pages * Int64(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Seconds since 1970.
    package static var startTime: Double? {
        // The 22nd field. Counted after the name, which is in brackets and may contain anything.
        let fields = text(of: "/proc/self/stat").split(separator: ")").last?.split(separator: " ") ?? []
        let boot = text(of: "/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }?.split(separator: " ").last
        guard fields.count > 19, let ticks = Double(fields[19]), let boot = boot.flatMap({ Double($0) }) else { return nil }
        return boot + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    package static var openDescriptors: Int? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // Without `.`, `..` and the descriptor of this directory.
        return count - 3
    }

    /// The current limit on open descriptors.
    package static var descriptorLimit: Int? {
        let limit = c_process_current_descriptor_limit()
        return limit > 0 ? limit : nil
    }

    /// The text of a small file; empty if it cannot be read.
    private static func text(of path: String) -> String {
        guard let content = try? SmallFile.read(path, limit: 8 << 20) else { return "" }
        return String(decoding: content.bytes, as: UTF8.self)
    }
}
