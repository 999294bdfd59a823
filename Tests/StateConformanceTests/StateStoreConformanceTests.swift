import MirrorTesting
import Testing

@Suite("Every state store keeps the protocol's promises")
struct StateStoreConformanceTests {
    @Test("conforms", .timeLimit(.minutes(5)), arguments: StateStoreKind.all, StateStoreSuite.cases)
    func conforms(_ kind: StateStoreKind, _ testCase: ConformanceCase<StateStoreSubject>) async throws {
        try await testCase.run(try await kind.subject())
    }

    @Test("is bounded", .timeLimit(.minutes(5)), arguments: StateStoreKind.keeping, StateStoreSuite.fillingCases)
    func isBounded(_ kind: StateStoreKind, _ testCase: ConformanceCase<StateStoreSubject>) async throws {
        try await testCase.run(try await kind.subject())
    }

    @Test("is durable", .timeLimit(.minutes(5)), arguments: StateStoreKind.durable, StateStoreSuite.durableCases)
    func isDurable(_ kind: StateStoreKind, _ testCase: ConformanceCase<StateStoreSubject>) async throws {
        try await testCase.run(try await kind.subject())
    }
}
