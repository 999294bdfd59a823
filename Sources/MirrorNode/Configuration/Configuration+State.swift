import MirrorCore
import MirrorEngine
import MirrorSettings

extension Configuration {
    /// Where replicas and copy jobs are recorded.
    package enum State: Sendable, Equatable {
        case sqlite(path: String)
        case redis(Redis)
    }

    mutating func readState(_ reader: SettingsReader) {
        var path = "\(stateDirectory)/state.sqlite"
        var redis: Redis?
        var hasPath = false
        reader.section("state", doc: "Where replicas and copy jobs are recorded. Losing it costs time, never artifacts.") { section in
            section.section("sqlite", doc: "An embedded database, for one machine.") { section in
                hasPath = section.has("path")
                section.value(
                    "path", &path, .path, defaultNote: "state.sqlite in the state directory", example: "/var/lib/cloud-mirror/state.sqlite",
                    doc: "The database file; created if it does not exist.")
            }
            section.optionalSection(
                "redis",
                doc:
                    "Redis 7.0 or later, for several machines, in place of `sqlite`. (Valkey speaks the same protocol, but has not "
                    + "been tested.)"
            ) { redis = .read($0) }
            if redis != nil, hasPath { section.report("cannot be combined with redis; keep one of them", key: "sqlite") }
        }
        state = redis.map { .redis($0) } ?? .sqlite(path: path)
        if redis != nil {
            for pool in pools where pool.directory != nil {
                reader.report(
                    "\(pool.id) is a directory on one machine, but state.redis is for several machines; use object storage", key: "pools")
            }
        } else if copy.frontEnd == .never {
            reader.report("copy.frontEnd is never, but without state.redis no other process can copy", key: "copy")
        }
    }
}
