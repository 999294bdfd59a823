import Testing

@testable import MirrorSystem

@Suite struct ZeroedMemoryTests {
    @Test func `memory is zero, as long as it was asked for, and its own`() throws {
        let first = ZeroedMemory(bytes: 10_000_000)
        let second = ZeroedMemory(bytes: 64)
        let (firstStart, secondStart, allocated) = (first.start, second.start, first.allocatedBytes)
        let start = try #require(firstStart)
        #expect(allocated == 10_000_000)
        #expect(UnsafeRawBufferPointer(start: start, count: 10_000_000).allSatisfy { $0 == 0 })
        start.storeBytes(of: 7, toByteOffset: 9_999_992, as: UInt64.self)
        #expect(start.load(fromByteOffset: 9_999_992, as: UInt64.self) == 7)
        let other = try #require(secondStart)
        #expect(UnsafeRawBufferPointer(start: other, count: 64).allSatisfy { $0 == 0 })
    }

    @Test(arguments: [0, -1, Int.max]) func `what cannot be had is not there`(bytes: Int) {
        let memory = ZeroedMemory(bytes: bytes)
        let (start, allocated) = (memory.start, memory.allocatedBytes)
        #expect(start == nil)
        #expect(allocated == 0)
    }
}
