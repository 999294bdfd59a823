import MirrorCore
import MirrorNet
import MirrorState
import MirrorStorage
import Testing

@testable import MirrorEngine

@Suite("Copies: the pause between attempts, and what errors mean")
struct CopyConfigurationTests {
    private let configuration = CopyConfiguration(backoff: Backoff(first: .milliseconds(200), limit: .seconds(30)))

    @Test(
        "The pause doubles with each attempt, between half and all of it, up to the limit",
        arguments: [
            (1, 100, 200), (2, 200, 400), (3, 400, 800), (8, 12_800, 25_600), (9, 15_000, 30_000), (21, 15_000, 30_000),
            (1_000_000, 15_000, 30_000), (0, 100, 200), (-5, 100, 200),
        ])
    func pause(attempt: Int, least: Int, most: Int) {
        #expect(configuration.pause(after: attempt, random: 0) == .milliseconds(least))
        #expect(configuration.pause(after: attempt, random: 1) == .milliseconds(most))
        let middle = configuration.pause(after: attempt, random: 0.5)
        #expect(middle > .milliseconds(least) && middle < .milliseconds(most))
    }

    @Test("Whether an error is worth another attempt", arguments: StorageError.Code.allCases)
    func storageErrors(code: StorageError.Code) {
        let error = CopyError(StorageError(code, "at /secret/path", operation: "test"))
        #expect(error.reason == .storage)
        #expect(error.isTransient == code.isTransient)
        #expect(!error.message.contains("/secret/path"))
    }

    @Test("A refusal of the egress policy stays one, other errors of the network are errors of the transfer")
    func networkErrors() throws {
        let policy = try EgressPolicy(allow: [])
        let refusal = #expect(throws: EgressRefusal.self) { try policy.check(try ArtifactURL("https://artifacts.example.org/a")) }
        let refused = CopyError(OutboundError(try #require(refusal)))
        #expect(refused.reason == .refused)
        #expect(!refused.isTransient)
        #expect(CopyError(OutboundError(.truncated, "")).isTransient)
        #expect(!CopyError(OutboundError(.tlsFailed, "")).isTransient)
        #expect(CopyError(OutboundError(.timedOut, "")).reason == .transfer)
        #expect(CopyError(CancellationError()).isTransient)
    }

    @Test("Every error has a bounded label")
    func labels() {
        let errors: [any Error] = [
            StorageError(.full, "", operation: ""), StateError(.corrupt, ""), CopyError(.tooLarge, isTransient: false, ""),
            CopyError(.origin(status: 599), isTransient: false, ""), CancellationError(), OutboundError(.truncated, ""),
        ]
        for error in errors { #expect(ErrorKind.all.contains(ErrorKind.of(error))) }
        #expect(Set(ErrorKind.all).count == ErrorKind.all.count)
    }
}
