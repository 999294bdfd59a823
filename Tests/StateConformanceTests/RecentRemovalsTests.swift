import MirrorCore
import MirrorState
import Testing

@Suite("Recent removals")
struct RecentRemovalsTests {
    @Test("A look is refused from the removal of its replica on, and of those that are forgotten no look from before is believed")
    func bounded() throws {
        let removals = RecentRemovals(capacity: 10)
        let ids = try (0..<100).map { try Sample.id($0) }
        let start = removals.moment()
        #expect(removals.isUntouched(ids[0], since: start))
        removals.note(ids[0])
        #expect(!removals.isUntouched(ids[0], since: start))
        #expect(removals.isUntouched(ids[1], since: start))
        let later = removals.moment()
        #expect(removals.isUntouched(ids[0], since: later))
        for id in ids[2..<11] { removals.note(id) }
        #expect(removals.isUntouched(ids[1], since: start))
        removals.note(ids[11])
        // The first one is forgotten: it may have been any.
        #expect(!removals.isUntouched(ids[1], since: start))
        #expect(removals.isUntouched(ids[1], since: later))
        for id in ids { removals.note(id) }
        #expect(!removals.isUntouched(ids[1], since: later))
        #expect(removals.isUntouched(ids[1], since: removals.moment()))
    }
}
