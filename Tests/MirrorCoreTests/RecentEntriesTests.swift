import MirrorCore
import Testing

@Suite("What is remembered of late")
struct RecentEntriesTests {
    @Test("The entries that were made last are held, at least half as many as may be")
    func recent() {
        var entries = RecentEntries<Int, String>(capacity: 10)
        for number in 0..<1_000 {
            entries.insert("\(number)", for: number)
            for recent in max(0, number - 4)...number { #expect(entries[recent] == "\(recent)") }
            #expect(entries[number - 10] == nil)
        }
        entries.insert("new", for: 999)
        #expect(entries.remove(999) == "new")
        #expect(entries[999] == nil)
        #expect(entries.remove(999) == nil)
        for number in 990..<999 { _ = entries.remove(number) }
        #expect(entries.isEmpty)
    }
}
