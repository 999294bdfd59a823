#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How many descriptors this process, and those that it starts, may have.
enum DescriptorLimit {
    struct TooLow: Error, CustomStringConvertible {
        let description: String
    }

    /// Raises it as far as is needed.
    static func raise(to needed: Int) throws {
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { throw TooLow(description: "getrlimit: \(errno)") }
        guard limit.rlim_cur < needed else { return }
        guard limit.rlim_max >= needed else {
            throw TooLow(description: "\(needed) descriptors are needed, and no more than \(limit.rlim_max) are allowed (ulimit -Hn)")
        }
        limit.rlim_cur = rlim_t(needed)
        guard setrlimit(resource, &limit) == 0 else { throw TooLow(description: "setrlimit: \(errno)") }
    }
}
