import MirrorCore
import NIOCore

@testable import RedisClient
@testable import StateRedis

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
            guard let texts = ChangeMessage.decode(ByteBuffer(bytes: bytes)), let first = texts.first, let pool = PoolID("local/dev") else {
                return
            }
            let id = ReplicaID(artifact: try ArtifactURL(first), pool: pool)
            _ = try RecordFields(texts: texts.dropFirst().map { $0 }).replica(id)
        },
        FuzzTarget(
            "redis-record",
            seeds: [
                "status\npresent\nsize\n12\nstored_at\n1700000000000\nlast_used\n1700000000000\nsha256\n"
                    + String(repeating: "ab", count: 32),
                "status\nerror\nretry_at\n1700000000000\nreason\norigin\nmessage\nno\norigin_status\n404",
            ], words: ["\n", "status", "present", "error", "size", "stored_at", "retry_at", "reason"]
        ) { bytes in
            guard let pool = PoolID("local/dev") else { return }
            let words = text(bytes).split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
            let id = ReplicaID(artifact: try ArtifactURL("https://a.example/a"), pool: pool)
            _ = try? RecordFields(texts: words).replica(id)
            _ = try? RecordFields(words.map { RedisValue.simple($0) }, lastUse: .double(Double(words.last ?? "") ?? .nan)).replica(id)
        },
    ]
}
