import MirrorCore
import Testing

@testable import MirrorState

@Suite("The memory of hot replicas", .timeLimit(.minutes(5)))
struct HotMemoryTests {
    private func remember(_ number: Int, _ memory: HotMemory, _ answer: HotAnswer? = nil, size: Int64? = nil) throws -> HotShard.Outcome {
        let id = try Sample.id(number)
        let key = try #require(memory.key(id))
        let answer = answer ?? Sample.answer("/\(number)")
        return memory.remember(key, Sample.object(id, size: size ?? Int64(number)), answer, readIn: memory.epoch(in: memory.place(of: key)))
    }

    private func forget(_ number: Int, _ memory: HotMemory) throws {
        let key = try #require(memory.key(try Sample.id(number)))
        memory.shard(key).forget(key)
    }

    private func object(_ number: Int, _ memory: HotMemory) throws -> StoredObject? {
        let id = try Sample.id(number)
        let key = try #require(memory.key(id))
        return memory.shard(key).object(key) { ObjectKey(id.artifact) }
    }

    // MARK: What is found

    @Test("a record has everything that was put into it")
    func keepsEverything() throws {
        let memory = HotMemory(limit: 1 << 20)
        let id = try Sample.id(1)
        let key = try #require(memory.key(id))
        var object = Sample.object(id, size: .max)
        object.storedAt = Timestamp(milliseconds: -5)
        object.representation = Representation(
            etag: "\"e\"", lastModified: Timestamp(milliseconds: 9), contentType: nil, contentEncoding: "", contentDisposition: "inline; ä")
        let end = HotAnswer.End(time: Timestamp(milliseconds: 77), instant: .max)
        let answer = HotAnswer(
            target: Array("s3/x/https%3A%2F%2Fa%2fb%25.deb".utf8), variant: 0xFFFF_FFFF, form: 0xFFFF, epoch: 0xFFFE, answersHead: false,
            shared: 4, literal: Array("?signature=1".utf8), end: end)
        #expect(memory.remember(key, object, answer, readIn: memory.epoch(in: memory.place(of: key))) == .remembered)
        let isRight = Sample.look(String(decoding: answer.target, as: UTF8.self), variant: answer.variant, in: memory) { record in
            record.size == .max && record.lastUsed == object.lastUsed && record.form == 0xFFFF && record.epoch == 0xFFFE
                && !record.answersHead && record.shared == 4 && record.literal.elementsEqual(answer.literal) && record.end == end
                && record.digest?.elementsEqual(object.sha256?.bytes ?? []) == true && Hex.encode(record.name) == id.artifact.nameHash
        }
        #expect(isRight == true)
        #expect(memory.shard(key).object(key) { ObjectKey(id.artifact) } == object)
    }

    @Test("a target is found by its exact bytes and its variant")
    func comparesTargets() throws {
        let memory = HotMemory(limit: 1 << 20)
        let target = "s3/x/https%3A%2F%2Fa.example%2Fb%c3%9Fc"
        #expect(try remember(1, memory, Sample.answer(target, variant: 2)) == .remembered)
        #expect(Sample.size(of: target, variant: 2, in: memory) == 1)
        for other in [
            "", "s3/x/https%3A%2F%2Fa.example%2Fb%c3%9F", target + "c", target.replacing("%2F", with: "%2f"),
            target.replacing("%3A", with: ":"),
            target.replacing("%2F", with: "/"), target.replacing("%9F", with: "%9f"), target.replacing("s3", with: "S3"),
        ] {
            #expect(Sample.size(of: other, variant: 2, in: memory) == nil, "\(other)")
        }
        for variant: UInt32 in [0, 1, 3] { #expect(Sample.size(of: target, variant: variant, in: memory) == nil) }
    }

    @Test("targets with one hash are told apart by their bytes: the newer is found, and the older is no answer to it", arguments: [1, 2])
    func survivesCollisions(_ first: Int) throws {
        let hints = TargetHints(bytes: 1_024, parts: 1)
        let shard = HotShard(bytes: 1 << 20, hints: hints, number: 3)
        let memory = HotMemory(limit: 1 << 20)
        let ids = [try Sample.id(first), try Sample.id(3 - first)]
        for (id, target) in zip(ids, ["/a", "/b"]) {
            let key = try #require(memory.key(id))
            #expect(shard.remember(key, Sample.object(id), (Sample.answer(target), hash: 42), readIn: shard.epoch) == .remembered)
        }
        func find(_ target: String) -> Bool {
            let number = hints.find(42)
            return Array(target.utf8).withUnsafeBytes { bytes in
                shard.find(number & (1 << HotShard.ringBits - 1), bytes, 0, isThere: { hints.find(42) == number }) { _ in true }
            }
        }
        #expect(hints.find(42) >> HotShard.ringBits == 3)
        #expect(find("/b"))
        #expect(!find("/a"))
        // The older one's end is not the newer one's.
        let key = try #require(memory.key(ids[0]))
        shard.forget(key)
        #expect(find("/b"))
        shard.forgetAll()
        #expect(hints.find(42) == 0)
        #expect(shard.count == 0)
    }

    @Test("packing is one to one, and as long as the URL whose encoding it packs")
    func packs() throws {
        let url = "https://artifacts.example.org/pool/main/g/gcc-14/libstdc++6_14.2.0-19_amd64.deb"
        let packed = try #require(PackedTarget.pack(Array(PercentCoding.encode(url).utf8)))
        #expect(packed.count == url.utf8.count)
        let targets = ["", "%", "%%", "%4", "%41", "%4a", "%4A", "%7F", "%80", "%FF", "a%2", "%2%2F", "%25%32%46", "A", "J"]
        for target in targets {
            let packed = try #require(PackedTarget.pack(Array(target.utf8)))
            for other in targets {
                let isEqual = packed.withUnsafeBytes { packed in Array(other.utf8).withUnsafeBytes { PackedTarget.isEqual(packed, $0) } }
                #expect(isEqual == (target == other), "\(target) \(other)")
            }
        }
        #expect(PackedTarget.pack([0x80]) == nil)
        #expect(PackedTarget.pack([UInt8](repeating: 0x61, count: 8_193)) == nil)
    }

    // MARK: How much

    @Test("a replica whose URL has 100 bytes takes at most 250, all included", arguments: [1 << 20, 4 << 20])
    func takesLittle(_ limit: Int) throws {
        let memory = HotMemory(limit: limit)
        let pool = try Sample.pool("s3/us-west-2")
        // More than fit.
        for number in 0..<(limit / 150) {
            let url = "https://artifacts.example.org/pool/main/libf/libfoobar/libfoobar-dev_1.2.3-4ubuntu5_amd64/\(100_000 + number).deb"
            let id = ReplicaID(artifact: try ArtifactURL(url), pool: pool)
            if number == 0 { #expect(url.utf8.count == 100) }
            let key = try #require(memory.key(id))
            let answer = HotAnswer(
                prefix: Array("s3/us-west-2/".utf8), target: Array(PercentCoding.encode(url).utf8), variant: 2, form: 1, epoch: 1,
                answersHead: true,
                shared: 10,
                literal: [])
            #expect(memory.remember(key, Sample.object(id), answer, readIn: memory.epoch(in: memory.place(of: key))) == .remembered)
        }
        #expect(memory.allocatedBytes <= limit + limit / 100)
        #expect(memory.allocatedBytes / memory.count <= 250)
        #expect(memory.bytes / memory.count <= 232)
    }

    @Test("a replica is found past few others, however many there are", arguments: [1 << 20, 64 << 20])
    func findsInOneStep(_ limit: Int) throws {
        let memory = HotMemory(limit: limit)
        // As many as have room with a target each.
        for number in 0..<(limit / 250) { #expect(try remember(number, memory) == .remembered) }
        #expect((1...16).contains(memory.longestChain))
    }

    @Test("whatever is put in, and however often, the ring stays within its bytes", arguments: [20_000, 300_000])
    func isBounded(_ limit: Int) throws {
        let memory = HotMemory(limit: limit)
        for round in 0..<3 {
            for number in 0..<(limit / 50) {
                let literal = [UInt8](repeating: 0x61, count: number % 700)
                #expect(try remember(number, memory, Sample.answer("/\(number)/\(round)", literal: literal)) == .remembered)
                #expect(Sample.size(of: "/\(number)/\(round)", in: memory) == Int64(number))
                #expect(memory.bytes <= limit)
            }
            #expect(memory.bytes > limit * 3 / 4)
            if round == 1 {
                memory.forgetAll()
                #expect((memory.count, memory.bytes) == (0, 0))
            }
        }
    }

    @Test("what does not fit is not taken and harms nothing")
    func refusesGiants() throws {
        let memory = HotMemory(limit: 20_000)
        #expect(try remember(1, memory) == .remembered)
        let giant = Sample.answer("/2", literal: [UInt8](repeating: 0x61, count: 8_000))
        #expect(try remember(2, memory, giant) == .outdated)
        #expect(try remember(3, memory, Sample.answer("/" + String(repeating: "x", count: 9_000))) == .outdated)
        #expect(Sample.size(of: "/1", in: memory) == 1)
        for limit in [-1, 0, 1, 100] { #expect(try remember(1, HotMemory(limit: limit)) == .outdated) }
    }

    @Test("one replica has at most sixteen ways to be asked for, the newest ones, and all of them go with it")
    func limitsSpellings() throws {
        let memory = HotMemory(limit: 1 << 20)
        for number in 0..<1_000 {
            #expect(try remember(1, memory, Sample.answer("/\(number)")) == .remembered)
            #expect(memory.count <= 16)
        }
        for number in 984..<1_000 { #expect(Sample.size(of: "/\(number)", in: memory) == 1) }
        #expect(try remember(1, memory, Sample.answer("/990")) == .remembered)
        #expect(memory.count == 16)
        try forget(1, memory)
        #expect(memory.count == 0)
        for number in 984..<1_000 { #expect(Sample.size(of: "/\(number)", in: memory) == nil) }
    }

    // MARK: Who goes

    @Test("the oldest goes first, and who was asked for since the hand came by stays")
    func evictsInOrder() throws {
        let memory = HotMemory(limit: 20_000)
        var newest = 0
        while try object(0, memory) == nil && newest == 0 || memory.count == newest {
            #expect(try remember(newest, memory) == .remembered)
            newest += 1
        }
        // The first one was asked for by the loop, once, and the second has made room.
        let (first, last) = (1, newest - 1)
        // By replica: in so small a memory, hints to targets crowd each other out.
        #expect(try object(0, memory)?.size == 0)
        #expect(try object(first, memory) == nil)
        #expect(try object(last, memory)?.size == Int64(last))
        let asked = Array(stride(from: 10, to: newest, by: 3))
        for number in asked { #expect(try object(number, memory)?.size == Int64(number)) }
        // As many more as the third that was not asked for leaves room for.
        for number in newest..<(newest + newest / 2) { #expect(try remember(number, memory) == .remembered) }
        for number in asked { #expect(try object(number, memory)?.size == Int64(number), "\(number)") }
    }

    @Test("a million strangers that come by take the place of those that nobody asks for, not of the few that are hot")
    func keepsTheHot() throws {
        let memory = HotMemory(limit: 300_000)
        for number in 0..<100 { _ = try remember(number, memory) }
        var misses = 0
        for stranger in 1_000..<60_000 {
            _ = try remember(stranger, memory)
            let hot = stranger % 100
            if Sample.size(of: "/\(hot)", in: memory) == nil {
                misses += 1
                _ = try remember(hot, memory)
            }
        }
        #expect(misses < 59)
    }

    // MARK: Staying coherent

    @Test("what was read before the replica, or all, was forgotten is not remembered")
    func refusesOutdated() throws {
        let memory = HotMemory(limit: 1 << 20)
        let id = try Sample.id(1)
        let key = try #require(memory.key(id))
        for forget in [{ _ = memory.shard(key).forget(key) }, { memory.forgetAll() }] {
            let epoch = memory.epoch(in: memory.place(of: key))
            forget()
            #expect(memory.remember(key, Sample.object(id), Sample.answer("/1"), readIn: epoch) == .outdated)
            #expect(memory.shard(key).remember(key, Sample.object(id), readIn: epoch) == .outdated)
        }
        #expect(memory.count == 0)
    }

    @Test("a use moves forward in every record of the replica, and a description is kept when the next answer comes")
    func touchesAndDescribes() throws {
        let memory = HotMemory(limit: 1 << 20)
        let id = try Sample.id(1)
        let key = try #require(memory.key(id))
        for target in ["/a", "/b"] { #expect(try remember(1, memory, Sample.answer(target), size: 100) == .remembered) }
        let later = Sample.object(id).lastUsed + .seconds(9)
        memory.shard(key).touch(key, at: later, now: later)
        for target in ["/a", "/b"] {
            #expect(Sample.look(target, in: memory) { $0.lastUsed } == later)
        }
        var described = Sample.object(id)
        described.representation = Representation(etag: "\"e\"", lastModified: later)
        memory.shard(key).describe(key, described)
        for _ in 0..<2 {
            #expect(try object(1, memory)?.representation == described.representation)
            #expect(try object(1, memory)?.lastUsed == later)
            #expect(try remember(1, memory, Sample.answer("/c"), size: 100) == .remembered)
        }
        #expect(Sample.size(of: "/a", in: memory) == 100)
        #expect(memory.count == 3)
    }

    @Test("tasks that remember, forget and look at the same time never see a replica that is forgotten, nor another one's")
    func survivesRaces() async throws {
        let memory = HotMemory(limit: 30_000)
        let ids = try (0..<64).map { try Sample.id($0) }
        let keys = ids.compactMap { memory.key($0) }
        let wrong = await withTaskGroup(of: Int.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    var wrong = 0
                    for round in 0..<5_000 {
                        let number = (round &* 7 &+ worker) % 64
                        let key = keys[number]
                        switch (round + worker) % 5 {
                        case 0: memory.shard(key).forget(key)
                        case 1, 2:
                            let epoch = memory.epoch(in: memory.place(of: key))
                            let answer = Sample.answer("/\(number)", literal: [UInt8](repeating: 0x61, count: round % 300))
                            _ = memory.remember(key, Sample.object(ids[number], size: Int64(number)), answer, readIn: epoch)
                        default:
                            let size = Sample.size(of: "/\(number)", in: memory)
                            if size != nil, size != Int64(number) { wrong += 1 }
                        }
                    }
                    return wrong
                }
            }
            return await group.reduce(0, +)
        }
        #expect(wrong == 0)
        for key in keys { memory.shard(key).forget(key) }
        #expect((memory.count, memory.bytes) == (0, 0))
        for number in 0..<64 { #expect(Sample.size(of: "/\(number)", in: memory) == nil) }
    }
}
