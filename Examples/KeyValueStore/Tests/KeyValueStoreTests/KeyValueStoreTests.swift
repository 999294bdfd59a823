import KeyValueStore
import MirrorStorage
import MirrorTesting
import Testing

@Suite("The key-value store keeps the protocol's promises")
struct KeyValueStoreTests {
    @Test("conforms", arguments: ObjectStoreSuite.cases)
    func conforms(_ testCase: ObjectStoreSuite.Case) async throws {
        try await testCase.run(KeyValueStore())
    }
}
