import MirrorStorage
import Testing

@Suite("Looking through a pool of which some cannot be looked at")
struct FailedLooksTests {
    private func error(_ message: String) -> StorageError { StorageError(.unavailable, message, operation: "test") }

    @Test("sixteen failures in a row end it, with the last of them; the first is remembered")
    func ends() throws {
        var looks = FailedLooks()
        #expect(looks.first == nil)
        for number in 1...15 { try looks.add(error("\(number)")) }
        let thrown = #expect(throws: StorageError.self) { try looks.add(error("16")) }
        #expect(thrown?.message == "16")
        #expect((looks.first as? StorageError)?.message == "1")
    }

    @Test("any number of failures do not, as long as something between them can be looked at")
    func continues() throws {
        var looks = FailedLooks()
        for _ in 1...10 {
            for number in 1...15 { try looks.add(error("\(number)")) }
            looks.endRow()
        }
        #expect((looks.first as? StorageError)?.message == "1")
    }
}
