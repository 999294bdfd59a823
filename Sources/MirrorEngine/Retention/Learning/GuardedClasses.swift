/// Which classes are guarded, in which pools: what was learned has cost too much there, and replicas are kept for T*.
package struct GuardedClasses: Sendable, Equatable {
    /// A class in a pool, as activity records number them.
    package struct Key: Sendable, Hashable {
        package let artifactClass: UInt32
        package let pool: UInt32

        package init(artifactClass: UInt32, pool: UInt32) {
            self.artifactClass = artifactClass
            self.pool = pool
        }
    }

    /// Since when, in seconds since 1970.
    package var since: [Key: UInt32] = [:]

    package init() {}

    /// One line for each, with three numbers.
    package var encoded: [UInt8] {
        Array(
            since.sorted { ($0.key.artifactClass, $0.key.pool) < ($1.key.artifactClass, $1.key.pool) }
                .map { "\($0.key.artifactClass) \($0.key.pool) \($0.value)\n" }.joined().utf8)
    }

    /// Reads what ``encoded`` has written; other lines are skipped.
    package init(encoded bytes: [UInt8]) {
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let numbers = line.split(separator: UInt8(ascii: " ")).compactMap { UInt32(String(decoding: $0, as: UTF8.self)) }
            guard numbers.count == 3 else { continue }
            since[Key(artifactClass: numbers[0], pool: numbers[1])] = numbers[2]
        }
    }
}
