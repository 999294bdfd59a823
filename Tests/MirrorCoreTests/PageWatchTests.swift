import MirrorCore
import Testing

@Suite("Lists in pages")
struct PageWatchTests {
    @Test("A page that was there before is the end, however many are between", arguments: [0, 1, 2, 700])
    func again(between: Int) throws {
        var watch = PageWatch()
        for number in 0...between { try watch.turn(to: "\(number)", found: 1) }
        #expect(throws: EndlessPages.self) { try watch.turn(to: "0", found: 1) }
    }

    @Test("So is the one that the list began with")
    func first() throws {
        var watch = PageWatch(from: "a")
        try watch.turn(to: "b", found: 1)
        #expect(throws: EndlessPages.self) { try watch.turn(to: "a", found: 1) }
    }

    @Test("Pages that hold nothing are counted, also with others between them")
    func empty() throws {
        var watch = PageWatch()
        for number in 1..<PageWatch.maxEmpty {
            try watch.turn(to: "empty \(number)", found: 0)
            try watch.turn(to: "full \(number)", found: 1)
        }
        #expect(throws: EndlessPages.self) { try watch.turn(to: "last", found: 0) }
    }
}
