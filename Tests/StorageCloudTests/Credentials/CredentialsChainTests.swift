import StorageCloud
import Synchronization
import Testing

struct CredentialsChainTests {
    /// A place with credentials, or with the reason why it has none.
    private final class Place: CredentialsSource {
        let name: String
        private let finding: Mutex<Result<CredentialsFinding<TestCredentials>, CredentialsError>>

        init(_ name: String, _ finding: CredentialsFinding<TestCredentials>) {
            self.name = name
            self.finding = Mutex(.success(finding))
        }

        func change(_ result: Result<CredentialsFinding<TestCredentials>, CredentialsError>) {
            finding.withLock { $0 = result }
        }

        func look() async throws -> CredentialsFinding<TestCredentials> { try finding.withLock { $0 }.get() }
    }

    private let first = Place("first", .absent("nothing is set"))
    private let second = Place("second", .found(TestCredentials(id: "A")))

    private func chain() -> CredentialsChain<TestCredentials> {
        CredentialsChain([first, second]) { "look elsewhere (\($0))" }
    }

    @Test func `the first place that has credentials is asked alone from then on`() async throws {
        let chain = chain()
        #expect(try await chain.load().id == "A")
        first.change(.success(.found(TestCredentials(id: "B"))))
        #expect(try await chain.load().id == "A")
        second.change(.success(.absent("the file is missing")))
        let error = await #expect(throws: CredentialsError.self) { try await chain.load() }
        #expect(error?.code == .unavailable && error?.message.contains("the file is missing") == true)
        #expect(try await self.chain().load().id == "B")
    }

    @Test func `when no place has credentials, each is named with its reason`() async throws {
        second.change(.success(.absent("there is no file")))
        let error = await #expect(throws: CredentialsError.self) { try await chain().load() }
        #expect(error == CredentialsError(.notFound, "look elsewhere (first: nothing is set; second: there is no file)"))
    }

    @Test func `a place with something that cannot work ends the search`() async throws {
        first.change(.failure(CredentialsError(.invalid, "half a key")))
        let error = await #expect(throws: CredentialsError.self) { try await chain().load() }
        #expect(error == CredentialsError(.invalid, "first: half a key"))
    }

    @Test func `static credentials and anonymous ones are what they are`() async throws {
        let held = TestCredentials(id: "A")
        #expect(try await StaticCredentials(held).credentials() == held)
        #expect(try await StaticCredentials<TestCredentials>.anonymous.credentials() == nil)
    }
}
