import NIOCore
import Testing

@testable import StorageGCS

@Suite("What the service has of a resumable upload")
struct ResumableProgressTests {
    private static let chunk = Int64(ResumableProgress.chunkSize)

    private static func progress(_ size: Int64, isEnded: Bool = false) -> ResumableProgress {
        var progress = ResumableProgress()
        progress.take(ByteBuffer(repeating: 7, count: Int(size)))
        if isEnded { progress.end() }
        return progress
    }

    @Test("A chunk is a multiple of 256 KiB, and goes as soon as a byte follows it")
    func chunks() {
        #expect(ResumableProgress.chunkSize % ResumableProgress.granularity == 0)
        #expect(Self.progress(Self.chunk - 1).next == nil)
        #expect(Self.progress(Self.chunk).next == nil)
        let next = Self.progress(Self.chunk + 1).next
        #expect(next?.range == "bytes 0-\(Self.chunk - 1)/*")
        #expect(next?.bytes.readableBytes == ResumableProgress.chunkSize)
    }

    @Test(
        "The last chunk says how many bytes there are",
        arguments: [(1, "bytes 0-0/1"), (chunk, "bytes 0-\(chunk - 1)/\(chunk)"), (0, "bytes */0")] as [(Int64, String)])
    func last(_ size: Int64, _ range: String) {
        let next = Self.progress(size, isEnded: true).next
        #expect(next?.range == range)
        #expect(next?.bytes.readableBytes == Int(size))
    }

    @Test("It goes on behind what the service has, however odd the place")
    func resumed() throws {
        var progress = Self.progress(2 * Self.chunk, isEnded: true)
        #expect(progress.next?.range == "bytes 0-\(Self.chunk - 1)/*")
        var isMore = try progress.note("bytes=0-262143")
        #expect(isMore)
        #expect(progress.stored == 262_144)
        #expect(progress.next?.range == "bytes 262144-\(262_144 + Self.chunk - 1)/*")
        isMore = try progress.note("bytes=0-\(Self.chunk)")
        #expect(isMore)
        #expect(progress.next?.range == "bytes \(Self.chunk + 1)-\(2 * Self.chunk - 1)/\(2 * Self.chunk)")
        isMore = try progress.note("bytes=0-\(Self.chunk)")
        #expect(!isMore)
        isMore = try progress.note("bytes=0-\(2 * Self.chunk - 1)")
        #expect(isMore)
        // It has all, and does not know that this is the end.
        #expect(progress.next == ResumableProgress.Chunk(range: "bytes */\(2 * Self.chunk)", bytes: ByteBuffer()))
        #expect(progress.count == 2 * Self.chunk)
    }

    @Test("An answer without a range says that nothing is there")
    func nothing() throws {
        var progress = Self.progress(Self.chunk + 1)
        let isMore = try progress.note(nil)
        #expect(!isMore)
        #expect(progress.next?.range == "bytes 0-\(Self.chunk - 1)/*")
        _ = try progress.note("bytes=0-262143")
        #expect(throws: ResumableProgress.Lost.self) { try progress.note(nil) }
    }

    @Test(
        "What the service cannot have, or no longer has, is a loss",
        arguments: [
            "bytes=0-99", "bytes=0-8388609", "bytes=1-300000", "bytes=0-", "bytes=0--1", "bytes=0-x", "bytes 0-300000", "0-300000", "",
            "bytes=0-9223372036854775807", "bytes=0-99999999999999999999",
        ])
    func lost(_ range: String) throws {
        var progress = Self.progress(Self.chunk + 1)
        _ = try progress.note("bytes=0-262143")
        #expect(throws: ResumableProgress.Lost.self) { try progress.note(range) }
        #expect(progress.stored == 262_144)
    }
}
