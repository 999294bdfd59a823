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

@Suite("Every store of activity keeps the protocol's promises")
struct ActivityStoreConformanceTests {
    @Test("conforms", .timeLimit(.minutes(5)), arguments: StateStoreKind.learning, ActivityStoreSuite.cases)
    func conforms(_ kind: StateStoreKind, _ testCase: ConformanceCase<ActivityStoreSubject>) async throws {
        try await testCase.run(try await kind.activitySubject())
    }

    @Test(
        "is durable", .timeLimit(.minutes(5)), arguments: StateStoreKind.learning.filter { $0 != .memory }, ActivityStoreSuite.durableCases)
    func isDurable(_ kind: StateStoreKind, _ testCase: ConformanceCase<ActivityStoreSubject>) async throws {
        try await testCase.run(try await kind.activitySubject())
    }
}
