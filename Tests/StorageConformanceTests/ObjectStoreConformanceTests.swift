import MirrorStorage
import MirrorTesting
import Testing

@Suite("Every object store keeps the protocol's promises")
struct ObjectStoreConformanceTests {
    @Test("conforms", arguments: StoreKind.allCases, ObjectStoreSuite.cases)
    func conforms(_ kind: StoreKind, _ testCase: ObjectStoreSuite.Case) async throws {
        try await kind.withStore { store in
            try await testCase.run(store)
        }
    }
}
