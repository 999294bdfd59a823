import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import MirrorNet

@Suite("The buffers that connections receive into")
struct ReceiveBufferTests {
    @Test("They are small at first, as large as they may be where reads fill them, and small again where answers are")
    func sizes() throws {
        let channel = EmbeddedChannel()
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(HTTPRequestEncoder())
        try pipeline.addHandler(ByteToMessageHandler(HTTPResponseDecoder(informationalResponseStrategy: .forward)))
        let configuration = OutboundConfiguration()
        try configuration.prepare(channel).wait()
        var buffers = try #require(channel.options.compactMap { $0.value as? any RecvByteBufferAllocator }.first)
        #expect(buffers.nextBufferSize() == 64 << 10)
        for _ in 0..<10 { _ = buffers.record(actualReadBytes: buffers.nextBufferSize() ?? 0) }
        #expect(buffers.nextBufferSize() == configuration.receiveBufferSize)
        for _ in 0..<20 { _ = buffers.record(actualReadBytes: 300) }
        #expect(buffers.nextBufferSize() == 16 << 10)
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }
}
