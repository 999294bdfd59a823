import Testing

@testable import MirrorSystem

@Suite struct ZeroedMemoryTests {
    @Test func `memory is zero, as long as it was asked for, and its own`() throws {
        let (first, second) = (ZeroedMemory(bytes: 10_000_000), ZeroedMemory(bytes: 64))
        let start = try #require(first.start)
        #expect(first.allocatedBytes == 10_000_000)
        #expect(UnsafeRawBufferPointer(start: start, count: 10_000_000).allSatisfy { $0 == 0 })
        start.storeBytes(of: 7, toByteOffset: 9_999_992, as: UInt64.self)
        #expect(start.load(fromByteOffset: 9_999_992, as: UInt64.self) == 7)
        let other = try #require(second.start)
        #expect(UnsafeRawBufferPointer(start: other, count: 64).allSatisfy { $0 == 0 })
    }

    @Test(arguments: [0, -1, Int.max]) func `what cannot be had is not there`(bytes: Int) {
        let memory = ZeroedMemory(bytes: bytes)
        #expect(memory.start == nil)
        #expect(memory.allocatedBytes == 0)
    }
}
