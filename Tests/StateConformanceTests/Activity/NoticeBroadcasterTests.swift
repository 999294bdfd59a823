import MirrorState
import Testing

@Suite("Notices of a store")
struct NoticeBroadcasterTests {
    @Test("unread notices count as one, for each stream by itself")
    func unreadCountAsOne() async {
        let broadcaster = NoticeBroadcaster()
        var one = broadcaster.stream().makeAsyncIterator()
        let other = broadcaster.stream()
        broadcaster.publish()
        #expect(await one.next() != nil)
        for _ in 0..<3 { broadcaster.publish() }
        broadcaster.finish()
        #expect(await one.next() != nil)
        #expect(await one.next() == nil)
        var count = 0
        for await _ in other { count += 1 }
        #expect(count == 1)
    }

    @Test("a stream that begins later has no notice of before, and ends at once after the end")
    func laterStreams() async {
        let broadcaster = NoticeBroadcaster()
        broadcaster.publish()
        var late = broadcaster.stream().makeAsyncIterator()
        broadcaster.finish()
        #expect(await late.next() == nil)
        var tooLate = broadcaster.stream().makeAsyncIterator()
        broadcaster.publish()
        #expect(await tooLate.next() == nil)
    }
}
