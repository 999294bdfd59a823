package import MirrorCore
package import Retention

/// When one artifact was used, in each pool. It outlives the replicas.
///
/// Times are whole seconds since 1970, so that what is stored is exactly what is in it.
package struct ActivityRecord: Sendable, Hashable {
    /// When the artifact was used first, in any pool.
    package var firstSeen: UInt32
    /// The artifact's class, see ``number(of:)``.
    package var artifactClass: UInt32
    /// In the order of their first uses; 1...``maxPools``.
    package internal(set) var pools: [PoolUses]

    /// What was used in one pool, whether a replica was there or not.
    package struct PoolUses: Sendable, Hashable {
        /// The pool, see ``number(of:)``.
        package let pool: UInt32
        /// All uses; at most 65,535.
        package var uses: UInt16
        package var first: UInt32
        /// The last use in this pool.
        package var own: UInt32
        /// The last use in this pool, or the last renewal by a use in another one.
        package var clock: UInt32
        /// What is known of the last use or renewal, see `Context`.
        package var place: UInt8
        /// When the replica ended; 0 if it has not.
        package var gone: UInt32
        /// What the guard has entered for the time until the replica ends, in dollars; see `GuardAccount`. It is rounded: enter what is stored here.
        package var open: Float

        package init(
            pool: UInt32, uses: UInt16, first: UInt32, own: UInt32, clock: UInt32, place: UInt8, gone: UInt32 = 0, open: Float = 0
        ) {
            self.pool = pool
            self.uses = uses
            self.first = first
            self.own = own
            self.clock = clock
            self.place = place
            self.gone = gone
            self.open = open
        }
    }

    /// More pools are not recorded.
    package static let maxPools = 255

    /// - Parameter pools: At least one; those beyond ``maxPools`` are left out.
    package init(firstSeen: UInt32, artifactClass: UInt32, pools: [PoolUses]) {
        self.firstSeen = firstSeen
        self.artifactClass = artifactClass
        self.pools = Array(pools.prefix(Self.maxPools))
    }

    /// The last use, or renewal, in any pool.
    package var clock: UInt32 { pools.reduce(0) { max($0, $1.clock) } }

    /// What is recorded of one pool; setting `nil` removes it, and a new one is added behind the others.
    package subscript(pool: UInt32) -> PoolUses? {
        get { pools.first { $0.pool == pool } }
        set {
            let position = pools.firstIndex { $0.pool == pool }
            switch (position, newValue) {
            case (let position?, let uses?): pools[position] = uses
            case (let position?, nil): pools.remove(at: position)
            case (nil, let uses?): if pools.count < Self.maxPools { pools.append(uses) }
            case (nil, nil): break
            }
        }
    }

    /// What a pool or a class is called in records: 32 bits of the SHA-256 of its name, the same in every process without any agreement.
    package static func number(of name: String) -> UInt32 {
        ArtifactURL.nameHash(of: name).utf8.prefix(8).reduce(0) { $0 << 4 | UInt32(Hex.value(of: $1) ?? 0) }
    }

    /// Seconds since 1970, as records have them.
    package static func seconds(_ time: Timestamp) -> UInt32 { UInt32(clamping: time.milliseconds / 1_000) }
}

extension ActivityRecord.PoolUses {
    /// The same as the tables of module Retention have it.
    package func activity(of artifactClass: UInt32) -> PoolActivity {
        PoolActivity(
            earlierUses: UInt32(max(uses, 1) - 1), first: Double(first), own: Double(own), clock: Double(clock),
            context: Context(artifactClass, stored: place))
    }
}
