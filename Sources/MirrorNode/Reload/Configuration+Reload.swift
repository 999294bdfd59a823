import MirrorCore
import MirrorEngine

extension Configuration {
    /// This configuration, with every setting of another one that can change while the process runs.
    ///
    /// The other's remaining settings need a restart.
    func reloaded(from other: Configuration) -> Configuration {
        var result = self
        (result.source, result.warnings, result.printsReady) = (other.source, other.warnings, other.printsReady)
        result.admin.tokens = other.admin.tokens
        result.admin.localToken = other.admin.localToken
        // Whether TLS is used is decided when the listeners open.
        if tls != nil, let other = other.tls { result.tls = other }
        result.origins = other.origins
        result.origins.buckets = origins.buckets
        // The page store was opened with these settings, or will be.
        result.origins.pages = origins.pages
        for (index, pool) in pools.enumerated() {
            guard let other = other.pool(pool.id) else { continue }
            result.pools[index].retention = other.retention
            // The store got it when it was opened.
            result.pools[index].retention.minFreeBytes = pool.retention.minFreeBytes
        }
        // What is observed, and by which names, stays the same while the process runs.
        result.retention.prices = other.retention.prices
        result.retention.origin = other.retention.origin
        result.retention.policy = other.retention.policy
        result.retention.admission = other.retention.admission
        result.redirect = other.redirect
        // Other parts were created with these settings and keep them.
        result.redirect.lookLimit = redirect.lookLimit
        result.redirect.negativeLife = redirect.negativeLife
        result.redirect.memory = redirect.memory
        result.redirect.status = redirect.status
        // A pool that this process has not opened cannot be chosen.
        if other.selection.pools.isSubset(of: pools.map(\.id)) { result.selection = other.selection }
        // The updates of the lists were started with these settings.
        result.selection.cloudRegions = selection.cloudRegions
        result.log.level = other.log.level
        result.log.redirects = other.log.redirects
        return result
    }
}
