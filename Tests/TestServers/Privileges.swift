#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import Foundation

/// What only root may do, and some tests need. In CI they run all the same, and fail where it may not be done.
package enum Privileges {
    private static let isCI = ProcessInfo.processInfo.environment["CI"] == "true"

    /// Whether tests run that make devices.
    package static let makesDevices = isCI || geteuid() == 0

    /// Whether tests run that mount file systems: root may outside of most containers.
    package static let mounts: Bool = isCI || canMount

    private static var canMount: Bool {
        #if os(Linux)
            guard let directory = try? TemporaryDirectory() else { return false }
            guard mount("tmpfs", directory.path, "tmpfs", 0, "size=64k") == 0 else { return false }
            return umount(directory.path) == 0
        #else
            return false
        #endif
    }
}
