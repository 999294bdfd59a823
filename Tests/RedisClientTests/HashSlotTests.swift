import NIOCore
import Testing

@testable import RedisClient

@Suite("Slots of a cluster")
struct HashSlotTests {
    @Test("The checksum is that of the specification")
    func checksum() {
        #expect(HashSlot.crc16("123456789".utf8) == 0x31C3)
        #expect(HashSlot.crc16("".utf8) == 0)
    }

    /// By `CLUSTER KEYSLOT` of Redis 7.0.15.
    @Test(
        "A key is in the slot that servers say",
        arguments: [
            ("", 0), ("foo", 12182), ("bar", 5061), ("somekey", 11058), ("foo{hash_tag}", 2515), ("bar{hash_tag}", 2515),
            ("hash_tag", 2515),
            ("{user1000}.following", 3443), ("{user1000}.followers", 3443), ("foo{}{bar}", 8363), ("foo{{bar}}zap", 4015), ("{bar", 4015),
            ("foo{bar}{zap}", 5061), ("{}", 15257), ("{", 4092), ("}{", 12793), ("cloud-mirror:1:{s3/eu-central-1}:urls", 657),
        ])
    func slots(_ key: String, _ slot: Int) {
        #expect(HashSlot.of(key) == slot)
    }

    private static let asked = RedisConfiguration.Address(host: "asked", port: 1)

    private static func range(_ first: Int64, _ last: Int64, _ host: RedisValue, _ port: Int64) -> RedisValue {
        .array([.integer(first), .integer(last), .array([host, .integer(port), .simple("id"), .array([])])])
    }

    @Test("The map of the slots is read, and a moved slot put right")
    func map() throws {
        let reply = RedisValue.array([
            Self.range(0, 99, .blob(ByteBuffer(string: "a")), 7000), Self.range(100, 16383, .null, 7001),
        ])
        var map = try #require(SlotMap(reply, asked: Self.asked))
        #expect(map.isComplete)
        #expect(map.servers == [.init(host: "a", port: 7000), .init(host: "asked", port: 7001)])
        #expect(map.owner(of: 99) == 0)
        #expect(map.owner(of: 100) == 1)
        map.assign(99...99, to: .init(host: "c", port: 3))
        #expect(map.servers[try #require(map.owner(of: 99))] == .init(host: "c", port: 3))
        #expect(map.owner(of: 98) == 0)
    }

    @Test("A map with a gap is incomplete, and one that is none is refused")
    func brokenMaps() throws {
        let gap = try #require(SlotMap(.array([Self.range(0, 16382, .simple(""), 7000)]), asked: Self.asked))
        #expect(!gap.isComplete)
        #expect(gap.owner(of: 16383) == nil)
        #expect(gap.servers == [.init(host: "asked", port: 7000)])
        for (first, last, port) in [(-1, 5, 1), (5, 4, 1), (0, 16384, 1), (0, 1, 0), (0, 1, 65536)] as [(Int64, Int64, Int64)] {
            #expect(SlotMap(.array([Self.range(first, last, .simple("a"), port)]), asked: Self.asked) == nil)
        }
        #expect(SlotMap(.array([.integer(1)]), asked: Self.asked) == nil)
        #expect(SlotMap(.null, asked: Self.asked) == nil)
    }

    @Test("Of a map of more servers than a cluster has, no more are taken, and what the others have is nobody's")
    func tooManyServers() throws {
        let ranges = (0..<300).map { Self.range($0, $0, .simple("a"), 7_000 + $0) }
        var map = try #require(SlotMap(.array(ranges), asked: Self.asked))
        #expect(map.servers.count == SlotMap.maxServers)
        #expect(map.owner(of: 255) == 255)
        #expect(map.owner(of: 256) == nil)
        map.assign(1...1, to: .init(host: "b", port: 1))
        #expect(map.servers.count == SlotMap.maxServers)
        #expect(map.owner(of: 1) == 1)
        map.assign(256...256, to: .init(host: "a", port: 7_000))
        #expect(map.owner(of: 256) == 0)
    }

    @Test("A redirection is read, also one to an IPv6 address or without a host")
    func redirections() {
        func read(_ text: String) -> SlotRedirection? { SlotRedirection(RedisError(.server(""), text), asked: Self.asked) }
        #expect(read("MOVED 3999 127.0.0.1:6381")?.slot == 3999)
        #expect(read("MOVED 3999 127.0.0.1:6381")?.address == .init(host: "127.0.0.1", port: 6381))
        #expect(read("ASK 0 2001:db8::1:6381")?.address == .init(host: "2001:db8::1", port: 6381))
        #expect(read("MOVED 1 :6381")?.address == .init(host: "asked", port: 6381))
        for text in [
            "MOVED", "MOVED 1", "MOVED 16384 a:1", "MOVED -1 a:1", "MOVED x a:1", "MOVED 1 a", "MOVED 1 a:0", "MOVED 1 a:65536",
            "MOVED 1 a:x",
        ] {
            #expect(read(text) == nil)
        }
    }
}
