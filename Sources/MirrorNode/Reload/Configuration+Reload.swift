import MirrorCore
import MirrorEngine

extension Configuration {
    /// This configuration with everything of another that can change while the process runs.
    ///
    /// What the other one has beyond that needs a restart.
    func reloaded(from other: Configuration) -> Configuration {
        var result = self
        (result.source, result.warnings, result.printsReady) = (other.source, other.warnings, other.printsReady)
        result.admin.tokens = other.admin.tokens
        result.admin.localToken = other.admin.localToken
        // Whether there is TLS at all is decided when the listeners open.
        if tls != nil, let other = other.tls { result.tls = other }
        result.origins = other.origins
        result.origins.buckets = origins.buckets
        // The store of pages was opened with these, or will be.
        result.origins.pages = origins.pages
        for (index, pool) in pools.enumerated() {
            guard let other = other.pool(pool.id) else { continue }
            result.pools[index].retention = other.retention
            // Known to the store since it was opened.
            result.pools[index].retention.minFreeBytes = pool.retention.minFreeBytes
        }
        result.redirect = other.redirect
        // What else was made with these keeps them.
        result.redirect.lookLimit = redirect.lookLimit
        result.redirect.negativeLife = redirect.negativeLife
        result.redirect.memory = redirect.memory
        result.redirect.status = redirect.status
        // A pool that is not there yet cannot be chosen.
        if other.selection.pools.isSubset(of: pools.map(\.id)) { result.selection = other.selection }
        // Who fetches them was made with these.
        result.selection.cloudRegions = selection.cloudRegions
        result.log.level = other.log.level
        result.log.redirects = other.log.redirects
        return result
    }
}
