import Foundation
import MirrorCore
import MirrorSystem
import MirrorTesting
import Synchronization
import TestServers
import Testing

@testable import MirrorStorage
@testable import StorageLocal

@Suite("Threads of a disk that hangs", .timeLimit(.minutes(1)))
struct FileThreadsTests {
    /// A pipe that nobody writes to: who opens it hangs in that call, until it is let go.
    private final class Pipe: Sendable {
        private let directory: TemporaryDirectory
        private let entered = Mutex(0)
        private let writer = Mutex<CInt?>(nil)

        init() throws {
            directory = try TemporaryDirectory()
            try #require(mkfifo(path, 0o600) == 0)
        }

        deinit {
            if let writer = writer.withLock({ $0 }) { close(writer) }
        }

        private var path: String { "\(directory.path)/pipe" }

        func open() {
            entered.withLock { $0 += 1 }
            close(Foundation.open(path, O_RDONLY))
        }

        /// Returns once so many hang here, or are about to.
        func hanging(_ count: Int = 1) async {
            while entered.withLock({ $0 }) < count, !Task.isCancelled { await Task.yield() }
        }

        /// Lets go who hangs here, and who comes later.
        func letGo() {
            writer.withLock { writer in
                if writer == nil { writer = Foundation.open(path, O_RDWR) }
            }
        }
    }

    private let clock = ManualClock()

    @Test("Who waits for a call that hangs can leave, and what has not begun by then never does")
    func leaves() async throws {
        let (pipe, threads, calls) = (try Pipe(), FileThreads(count: 1, clock: clock), Journal<String>())
        defer { pipe.letGo() }
        let hung = Task { try await threads.run("test") { pipe.open() } }
        await pipe.hanging()
        let queued = Task { try await threads.run("test") { _ = calls.note("queued") } }
        queued.cancel()
        await #expect(throws: CancellationError.self) { try await queued.value }
        hung.cancel()
        await clock.sleepers(1)
        clock.advance(by: FileThreads.lastMoment)
        await #expect(throws: CancellationError.self) { try await hung.value }
        pipe.letGo()
        try await threads.run("test") { _ = calls.note("after") }
        #expect(calls.entries == ["after"])
    }

    @Test("A call that is under way when its task is cancelled, and ends at once, has succeeded")
    func lastMoment() async throws {
        let (pipe, threads) = (try Pipe(), FileThreads(count: 1, clock: clock))
        let call = Task {
            try await threads.run("test") {
                pipe.open()
                return "done"
            }
        }
        await pipe.hanging()
        call.cancel()
        await clock.sleepers(1)
        pipe.letGo()
        #expect(try await call.value == "done")
    }

    @Test(
        "Once all threads of a pool have hung for a while its calls fail at once, those of another pool do not, and one thread that comes free is enough"
    )
    func allHang() async throws {
        let (pipe, second) = (try Pipe(), try Pipe())
        let (threads, others) = (FileThreads(count: 2, clock: clock), FileThreads(count: 2, clock: clock))
        defer {
            pipe.letGo()
            second.letGo()
        }
        let hung = Task { try await threads.run("test") { pipe.open() } }
        let alsoHung = Task { try await threads.run("test") { second.open() } }
        await pipe.hanging()
        await second.hanging()
        clock.advance(by: FileThreads.patience)
        try await requireStorageError(.timedOut, "run") { try await threads.run("test") {} }
        try await others.run("test") {}
        // What cleans up is done in the end, and waited for only so long.
        let cleaned = Mutex(false)
        let cleaning = Task { await threads.runAlways { cleaned.withLock { $0 = true } } }
        await clock.sleepers(1)
        clock.advance(by: FileThreads.patience)
        await cleaning.value
        #expect(!cleaned.withLock { $0 })
        pipe.letGo()
        try await hung.value
        try await eventually("a thread is free") { cleaned.withLock { $0 } }
        try await threads.run("test") {}
        second.letGo()
        try await alsoHung.value
    }

    @Test("A time limit holds for a call that hangs in the kernel, and the reader of a body can leave")
    func timesOut() async throws {
        let (pipe, threads, clock) = (try Pipe(), FileThreads(count: 1, clock: clock), clock)
        defer { pipe.letGo() }
        let store = TimeoutStore(
            HookedStore { call in if call == .head { try await threads.run("test") { pipe.open() } } },
            limits: TimeoutStore.Limits(call: .seconds(15)), clock: clock)
        let key = try SampleObject(size: 1).key
        let head = Task { try await requireStorageError(.timedOut, "head") { try await store.head(key) } }
        await pipe.hanging()
        await clock.sleepers(1)
        clock.advance(by: .seconds(15))
        await clock.sleepers(1)
        clock.advance(by: FileThreads.lastMoment)
        _ = try await head.value
        let directory = try TemporaryDirectory()
        let file = try directory.write("some bytes", to: "file")
        let reader = FileReader(
            try Descriptor(directory: directory.path).openFile(String(file.split(separator: "/").last ?? "")), from: 0, to: 4,
            threads: threads, operation: "test")
        let read = Task { try await ByteStream(reader).collect(upTo: 10) }
        // It waits for the only thread, which hangs.
        read.cancel()
        await #expect(throws: CancellationError.self) { try await read.value }
    }

    @Test("A call that hangs is left after its limit, and what has not begun by then never does")
    func limit() async throws {
        let (pipe, threads, calls) = (try Pipe(), FileThreads(count: 1, clock: clock), Journal<String>())
        defer { pipe.letGo() }
        let limit = Duration.seconds(15)
        let hung = Task { try await requireStorageError(.timedOut, "run") { try await threads.run("test", within: limit) { pipe.open() } } }
        await pipe.hanging()
        let queued = Task {
            try await requireStorageError(.timedOut, "run") { try await threads.run("test", within: limit) { _ = calls.note("queued") } }
        }
        await clock.sleepers(2)
        clock.advance(by: limit)
        _ = try await hung.value
        _ = try await queued.value
        pipe.letGo()
        // Until the thread is known to be free, calls fail at once.
        let count = try await eventually("the thread is free") { try? await threads.run("test", within: limit) { calls.note("after") } }
        #expect(count == 1)
        #expect(calls.entries == ["after"])
        #expect(clock.sleeperCount == 0)
    }

    @Test("Every call of a pool whose disk hangs is left, and what was left does not happen later")
    func leavesAllCalls() async throws {
        let (pipe, clock, directory) = (try Pipe(), clock, try TemporaryDirectory())
        defer { pipe.letGo() }
        let threads = FileThreads(count: 1, clock: clock)
        let store = try await LocalStore.open(directory: directory.path, region: "test", minFreeBytes: 0, threads: threads)
        let (object, large) = (try SampleObject(size: 1_000), try SampleObject("large.bin", size: 600_000))
        try await object.put(into: store)
        let key = object.key
        let body = try await store.get(key, range: nil).body
        func upload(_ object: SampleObject, isWritten: Bool = true) async throws -> any ObjectUpload {
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            guard isWritten else { return upload }
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: object.size), from: ByteStream(object.bytes))
            return upload
        }
        let small = try await upload(object.replaced(size: 10, seed: 1))
        let (written, unwritten) = (try await upload(large), try await upload(large, isWritten: false))
        let sha256 = try large.sha256
        let calls: [@Sendable () async throws -> Void] = [
            { _ = try await store.head(key) },
            { _ = try await store.get(key, range: nil) },
            { _ = try await body.collect(upTo: 1_000) },
            { _ = try await store.openFile(key) },
            { try await store.delete(key) },
            { _ = try await store.list(after: nil, limit: 1) },
            { _ = try await store.space() },
            { try await store.checkHealth() },
            { _ = try await store.beginUpload(large.key, metadata: large.metadata, expectedSize: nil) },
            { _ = try await unwritten.write(UploadPart(number: 0, offset: 0, length: large.size), from: ByteStream(large.bytes)) },
            { _ = try await written.complete(size: large.size, sha256: sha256) },
            { _ = try await small.complete(size: 10, sha256: sha256) },
        ]
        let hung = threads.start("test") { pipe.open() }
        await pipe.hanging()
        let waiting = calls.map { call in Task { try await requireStorageError(.timedOut, "a call") { try await call() } } }
        await clock.sleepers(calls.count)
        clock.advance(by: TimeoutStore.Limits.standard.complete)
        for task in waiting { _ = try await task.value }
        pipe.letGo()
        try await hung.value
        let info = try await eventually("the disk answers") { try? await store.head(key) }
        #expect(info.size == 1_000)
        #expect(try await store.get(key, range: nil).body.collect(upTo: 1_000) == object.bytes)
        try await requireStorageError(.notFound, "head") { try await store.head(large.key) }
    }

    @Test("A pool whose disk hangs is not waited for when it is opened, and the error names its directory")
    func opening() async throws {
        let (pipe, threads, directory) = (try Pipe(), FileThreads(count: 1, clock: clock), try TemporaryDirectory())
        let hung = threads.start("test") { pipe.open() }
        await pipe.hanging()
        let opening = Task {
            try await requireStorageError(.timedOut, "open") {
                try await LocalStore.open(directory: directory.path, region: "test", minFreeBytes: 0, threads: threads)
            }
        }
        await clock.sleepers(1)
        clock.advance(by: LocalStore.openLimit)
        #expect(try await opening.value.message.contains(directory.path))
        pipe.letGo()
        try await hung.value
    }

    @Test("An upload that was given up while the disk hung does not appear when it goes on")
    func uploadEnds() async throws {
        let (pipe, clock) = (try Pipe(), clock)
        let directory = try TemporaryDirectory()
        let threads = FileThreads(count: 1, clock: clock)
        let store = try await LocalStore.open(directory: directory.path, region: "test", minFreeBytes: 0, threads: threads)
        let object = try SampleObject(size: 600_000)
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
        _ = try await upload.write(UploadPart(number: 0, offset: 0, length: object.size), from: ByteStream(object.bytes))
        let hung = threads.start("test") { pipe.open() }
        await pipe.hanging()
        let sha256 = try object.sha256
        let end = Task { try await upload.complete(size: object.size, sha256: sha256) }
        end.cancel()
        await #expect(throws: CancellationError.self) { try await end.value }
        let abort = Task { await upload.abort() }
        await clock.sleepers(1)
        clock.advance(by: FileThreads.patience)
        await abort.value
        pipe.letGo()
        try await hung.value
        try await requireStorageError(.notFound, "head") { try await store.head(object.key) }
        #expect(try directory.contents("uploads") == [])
    }

    @Test("A small object needs its disk only at the end, and does not appear if it was given up before the disk went on")
    func smallUpload() async throws {
        let pipe = try Pipe()
        let directory = try TemporaryDirectory()
        let threads = FileThreads(count: 1, clock: clock)
        let store = try await LocalStore.open(directory: directory.path, region: "test", minFreeBytes: 0, threads: threads)
        let (kept, given) = (try SampleObject("kept.bin", size: 1_000), try SampleObject("given.bin", size: 1_000))
        let hung = threads.start("test") { pipe.open() }
        await pipe.hanging()
        @Sendable func begin(_ object: SampleObject) async throws -> any ObjectUpload {
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: object.size), from: ByteStream(object.bytes))
            return upload
        }
        let keptEnd = Task { try await begin(kept).complete(size: kept.size, sha256: kept.sha256) }
        let upload = try await begin(given)
        let end = Task { try await upload.complete(size: given.size, sha256: given.sha256) }
        end.cancel()
        await #expect(throws: CancellationError.self) { try await end.value }
        await upload.abort()
        pipe.letGo()
        try await hung.value
        #expect(try await keptEnd.value.size == 1_000)
        try await requireStorageError(.notFound, "head") { try await store.head(given.key) }
        #expect(try await store.head(kept.key).size == 1_000)
        #expect(try directory.contents("uploads") == [])
    }
}
