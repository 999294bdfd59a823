import MirrorCore
import MirrorState
import Testing

@Suite("Records of activity in bytes")
struct ActivityRecordTests {
    private static let record = ActivityRecord(
        firstSeen: 0x0102_0304, artifactClass: 0x0506_0708,
        pools: [
            ActivityRecord.PoolUses(
                pool: 0x1112_1314, uses: 0x2122, first: 3, own: 4, clock: 5, place: 0x33, gone: 6, open: -0.5)
        ])

    @Test("a record has 8 bytes, and 28 for each pool, little-endian")
    func form() {
        let bytes: [UInt8] = [
            4, 3, 2, 1, 8, 7, 6, 5,
            0x14, 0x13, 0x12, 0x11, 0x22, 0x21, 0x33, 0,
            3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0xBF,
        ]
        #expect(Self.record.bytes == bytes)
        #expect(ActivityRecord(bytes: bytes) == Self.record)
        let bare = ActivityRecord(firstSeen: 1, artifactClass: 2, pools: [])
        #expect(bare.bytes.count == 8)
        #expect(ActivityRecord(bytes: bare.bytes) == bare)
    }

    @Test("bytes of any other form are no record")
    func refusals() {
        let bytes = Self.record.bytes
        for count in [0, 7, 9, 35] { #expect(ActivityRecord(bytes: Array(bytes.prefix(count))) == nil) }
        #expect(ActivityRecord(bytes: bytes + [0]) == nil)
        var newer = bytes
        newer[15] = 1
        #expect(ActivityRecord(bytes: newer) == nil)
        let pool = bytes.dropFirst(8)
        #expect(ActivityRecord(bytes: bytes + (1..<ActivityRecord.maxPools).flatMap { _ in pool })?.pools.count == ActivityRecord.maxPools)
        #expect(ActivityRecord(bytes: bytes + (0..<ActivityRecord.maxPools).flatMap { _ in pool }) == nil)
    }

    @Test("what is not finite counts as nothing when a record is read")
    func infiniteDollars() {
        var record = Self.record
        record[0x1112_1314]?.open = .infinity
        #expect(ActivityRecord(bytes: record.bytes)?[0x1112_1314]?.open == 0)
    }

    @Test("a pool can be added, changed and removed")
    func pools() {
        var record = Self.record
        record[9] = ActivityRecord.PoolUses(pool: 9, uses: 1, first: 7, own: 7, clock: 7, place: 19)
        #expect(record.pools.map(\.pool) == [0x1112_1314, 9])
        #expect(record.clock == 7)
        record[9]?.clock = 8
        #expect(record.clock == 8)
        record[9] = nil
        record[10] = nil
        #expect(record == Self.record)
    }

    @Test("keys are the first half of the hash of the name, and sort like their bytes")
    func keys() throws {
        let artifact = try ArtifactURL("https://artifacts.example.org/builds/1.tar.bz2")
        let key = ActivityKey(artifact)
        #expect(Hex.encode(key.bytes) == artifact.nameHash.prefix(32))
        #expect(ActivityKey(bytes: key.bytes) == key)
        #expect(ActivityKey(bytes: key.bytes.dropLast()) == nil)
        #expect(ActivityKey(high: 1, low: .max) < ActivityKey(high: 2, low: 0))
        #expect(ActivityKey(high: 1, low: 1) < ActivityKey(high: 1, low: 2))
        #expect(ActivityKey(high: 0x0102_0304_0506_0708, low: 0x090A_0B0C_0D0E_0F10).bytes == Array(1...16))
    }

    @Test("what a pool is called in records is the same in every process")
    func numbers() {
        #expect(ActivityRecord.number(of: "abc") == 0xBA78_16BF)
        #expect(ActivityRecord.seconds(Timestamp(milliseconds: 1_999)) == 1)
        #expect(ActivityRecord.seconds(Timestamp(milliseconds: -5)) == 0)
        #expect(ActivityRecord.seconds(Timestamp(milliseconds: .max)) == .max)
    }
}
