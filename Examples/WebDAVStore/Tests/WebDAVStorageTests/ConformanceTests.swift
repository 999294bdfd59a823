import MirrorStorage
import MirrorTesting
import Testing

@Suite("A pool on nginx keeps the promises of the protocol", .timeLimit(.minutes(5)))
struct ConformanceTests {
    @Test("conforms", arguments: ObjectStoreSuite.cases)
    func conforms(_ testCase: ObjectStoreSuite.Case) async throws {
        let (nginx, _) = try await Nginx.shared.value
        try await nginx.withStore { store in try await testCase.run(store) }
    }
}
