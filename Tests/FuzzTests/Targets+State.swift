import GRDB
import MirrorCore
import MirrorState
import NIOCore

@testable import RedisClient
@testable import StateRedis
@testable import StateSQLite

extension FuzzTarget {
    static let state: [FuzzTarget] = [
        FuzzTarget(
            "resp",
            seeds: [
                "+OK\r\n", "-ERR no\r\n", ":12\r\n", "$5\r\nhello\r\n", "*2\r\n$1\r\na\r\n_\r\n", "%1\r\n+a\r\n,1.5\r\n",
                ">2\r\n+message\r\n+x\r\n",
                "(12345678901234567890\r\n", "=6\r\ntxt:ab\r\n", "#t\r\n", "~1\r\n:1\r\n", "|1\r\n+a\r\n+b\r\n:1\r\n", "!3\r\nERR\r\n",
            ], words: ["\r\n", "$", "*", "%", "~", ">", "|", ":", "-1", "+", "_\r\n", "$-1\r\n", "$4\r\n", "*1000000\r\n", "?"]
        ) { bytes in
            var parser = RESPParser(
                limits: .init(depth: 8, elements: 1 << 12, replyElements: 1 << 14, blob: 1 << 16, line: 1 << 10, reply: 1 << 18))
            let middle = bytes.count / 2
            for piece in [bytes[..<middle], bytes[middle...]] {
                parser.append(ByteBuffer(bytes: piece))
                while try parser.next() != nil {}
            }
        },
        FuzzTarget(
            "redis-change", seeds: ["19:https://a.example/a6:status7:pending", "19:https://a.example/a"],
            words: [":", "0:", "6:status", "7:pending", "99999999:", "4:size"]
        ) { bytes in
            guard let parts = ChangeMessage.decode(ByteBuffer(bytes: bytes)), let name = parts.first?.string, let pool = PoolID("local/dev")
            else {
                return
            }
            let id = ReplicaID(artifact: try ArtifactURL(name), pool: pool)
            _ = try RecordFields(parts.dropFirst()).replica(id)
        },
        FuzzTarget(
            "redis-record",
            seeds: [
                presentRecord,
                "status\nerror\nretry_at\n1700000000000\nreason\norigin\nmessage\nno\norigin_status\n404",
            ], words: ["\n", "status", "present", "error", "size", "stored_at", "retry_at", "reason"]
        ) { bytes in
            guard let pool = PoolID("local/dev") else { return }
            let words = text(bytes).split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
            let id = ReplicaID(artifact: try ArtifactURL("https://a.example/a"), pool: pool)
            let values = words.map { RedisValue.simple($0) }
            var size: Int64?
            if case .present(let object)? = try? RecordFields(values).replica(id)?.status { size = object.size }
            try require(size == 12 || text(bytes) != presentRecord, "a record is not read")
            _ = try? RecordFields(values, lastUse: .double(Double(words.last ?? "") ?? .nan)).replica(id)
        },
        FuzzTarget(
            "redis-slots",
            seeds: [
                "*2\r\n*3\r\n:0\r\n:8191\r\n*2\r\n$9\r\n127.0.0.1\r\n:6379\r\n*3\r\n:8192\r\n:16383\r\n*2\r\n_\r\n:6380\r\n",
                "-MOVED 3999 127.0.0.1:6381\r\n", "-ASK 16383 :6381\r\n",
            ],
            words: ["\r\n", "*3\r\n", ":", "16383", "16384", "-1", "$1\r\n?\r\n", "MOVED ", "ASK ", "::1", "_\r\n", ":65536\r\n", ":6379"]
        ) { bytes in
            let asked = RedisConfiguration.Address(host: "127.0.0.1", port: 6_379)
            var parser = RESPParser(
                limits: .init(depth: 8, elements: 1 << 12, replyElements: 1 << 14, blob: 1 << 16, line: 1 << 10, reply: 1 << 18))
            parser.append(ByteBuffer(bytes: bytes))
            while case .reply(let value)? = try parser.next() {
                if case .error(let error) = value, let moved = SlotRedirection(error, asked: asked) {
                    try require((0..<HashSlot.count).contains(moved.slot) && (1...65_535).contains(moved.address.port), "\(moved)")
                }
                guard let map = SlotMap(value, asked: asked) else { continue }
                for slot in stride(from: 0, to: HashSlot.count, by: 127) {
                    try require(map.owner(of: slot).map { map.servers.indices.contains($0) } ?? true, "the owner of \(slot)")
                }
            }
        },
        FuzzTarget(
            "redis-info",
            seeds: [
                "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nrole:master\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\nused_memory:1\r\n"
            ],
            words: ["\r\n", ":", "redis_version:", "maxmemory:", "used_memory:", "cluster_enabled:1", "9223372036854775807", ".", "-1"]
        ) { bytes in
            for topology in [.single, .cluster, .sentinel(master: "a")] as [RedisConfiguration.Topology] {
                _ = RedisServerReport(info: text(bytes), topology: topology, isTracking: false)
            }
        },
        FuzzTarget(
            "redis-url",
            seeds: [
                "redis://user:p%40ss@127.0.0.1:6379/3", "rediss+sentinel://a.example,[::1]:26379/master/0",
                "redis+cluster://a.example:1,b.example",
            ], words: ["redis://", "rediss", "+sentinel", "+cluster", "://", "@", ":", "/", ",", "[", "]", "%", "%40", "#", "?", "65536"]
        ) { bytes in
            let configuration = try RedisConfiguration(url: text(bytes))
            try require(!configuration.addresses.isEmpty, "no address")
        },
        FuzzTarget(
            "sqlite-row",
            seeds: [
                row([
                    0: "2", 1: "12", 2: String(repeating: "ab", count: 32), 3: moment, 4: moment, 19: "\"a\"", 20: moment, 21: "text/plain",
                ]),
                row([0: "1", 10: "7", 11: moment, 12: moment, 13: "2", 14: "9", 15: "worker", 18: "0", 24: "500"]),
                row([0: "3", 6: "origin", 7: "404", 8: "no", 9: moment]), row([0: "4", 12: moment, 14: "9", 16: "1"]),
            ], words: ["\n", "origin", "refused", "1", "2", "3", "4", "1.5", "-9223372036854775808"]
        ) { bytes in
            var columns = text(bytes).split(separator: "\n", omittingEmptySubsequences: false).prefix(RecordRow.count).map { column in
                column.isEmpty
                    ? DatabaseValue.null : Int64(column)?.databaseValue ?? Double(column)?.databaseValue ?? String(column).databaseValue
            }
            columns += Array(repeating: .null, count: RecordRow.count - columns.count)
            let places = Array(repeating: "?", count: RecordRow.count).joined(separator: ", ")
            guard let pool = PoolID("local/dev") else { return }
            let id = ReplicaID(artifact: try ArtifactURL("https://a.example/a"), pool: pool)
            let record = try rows.read { db in
                try db.makeStatement(sql: "SELECT \(places)").first(StatementArguments(columns)) { try RecordRow.decode($0, of: id) }
            }
            guard let record else { return }
            _ = record.replica(id)
            _ = RecordRow.encode(record, of: id)
        },
    ]

    private static let moment = "1700000000000"

    /// Of an object of 12 bytes.
    private static let presentRecord =
        "status\npresent\nsize\n12\nstored_at\n\(moment)\nlast_used\n\(moment)\nsha256\n\(String(repeating: "ab", count: 32))"

    /// - Parameter values: By their places among ``RecordRow/columns``.
    private static func row(_ values: [Int: String]) -> String {
        (0..<RecordRow.count).map { values[$0] ?? "" }.joined(separator: "\n")
    }

    /// Makes rows of values.
    private static var rows: DatabaseQueue {
        get throws { try memory.get() }
    }

    private static let memory = Result { try DatabaseQueue() }
}
