import MirrorCore
import MirrorState
import MirrorStorage
import Testing

@testable import MirrorEngine
@testable import MirrorNet

@Suite("Kinds of errors in metrics")
struct ErrorKindTests {
    private static let errors: [any Error] =
        StorageError.Code.allCases.map { StorageError($0, "it failed", operation: "test") }
        + StorageError.Code.allCases.map { CopyError(ofBucket: StorageError($0, "it failed", operation: "test")) }
        + StateError.Code.allCases.map { StateError($0, "it failed") }
        + [
            .refused(EgressRefusal(.notListed, "no")), .redirectRefused(EgressRefusal(.notListed, "no"), host: "a.example"), .badRedirect,
            .tooManyRedirects, .unresolvable, .connectFailed, .tlsFailed,
            .timedOut, .protocolError,
            .truncated,
        ].map { (code: OutboundError.Code) in OutboundError(code, "it failed") }
        + [.origin(status: 503), .refused, .redirect, .transfer, .content, .tooLarge, .storage, .noRoom, .unfinished].map {
            (reason: CopyFailure.Reason) in
            CopyError(reason, isTransient: false, "it failed")
        }

    @Test("Every kind of the list is what some error is counted as, and no error is another's")
    func everyKindExists() {
        let kinds = Self.errors.map(ErrorKind.of)
        #expect(Set(kinds).count == kinds.count)
        #expect(Set(kinds + [ErrorKind.other]) == Set(ErrorKind.all))
        #expect(ErrorKind.of(CancellationError()) == ErrorKind.other)
    }

    @Test("An error that a copy wraps is counted as what it is")
    func unwraps() {
        for error in Self.errors where !(error is CopyError) && !(error is StateError) {
            #expect(ErrorKind.of(CopyError(error)) == ErrorKind.of(error))
        }
        let full = StorageError(.full, "no space", operation: "local.write")
        #expect(ErrorKind.of(StorageError(.unavailable, "given up", operation: "retry", cause: full)) == "storage.full")
        #expect(ErrorKind.of(CopyError(.storage, isTransient: true, "the pool is full", cause: full)) == "storage.full")
        // What a store meets on its way to the service is the store's.
        let refused = OutboundError(.connectFailed, "refused")
        #expect(ErrorKind.of(StorageError(.unavailable, "no service", operation: "s3.put", cause: refused)) == "storage.unavailable")
    }

    @Test("The last error of each kind is remembered, and no more than the beginning of what it says")
    func remembers() {
        let metrics = EngineMetrics(pools: [], factory: CountingMetrics())
        let long = String(repeating: "💥", count: 1_000)
        for message in [long, "first", long] { metrics.countError(StateError(.unavailable, message)) }
        metrics.countError(StateError(.corrupt, "other"))
        let messages = metrics.recentErrors.all.mapValues(\.message)
        #expect(messages == ["state.unavailable": long.cut(to: RecentErrors.maxMessage), "state.corrupt": "other"])
        #expect(messages["state.unavailable"]?.utf8.count == 300)
    }

    @Test("Every kind has a counter, and an error moves its own alone")
    func counts() {
        let counters = CountingMetrics()
        let metrics = EngineMetrics(pools: [], factory: counters)
        for error in Self.errors { metrics.countError(error) }
        for error in Self.errors { #expect(counters.total(EngineMetrics.Name.errors, ErrorKind.of(error)) == 1, "\(error)") }
        #expect(counters.total(EngineMetrics.Name.errors) == Int64(Self.errors.count))
    }
}
