import Foundation
import Synchronization
import TestServers
import Testing

@testable import MirrorNode

@Suite(.timeLimit(.minutes(1)))
struct LogWriterTests {
    /// A pipe that is read only when the test does it.
    private final class Pipe: Sendable {
        let (reader, writer): (CInt, CInt)
        private let isReaderOpen = Mutex(true)

        /// - Parameter size: What it takes; a page is little, and the same everywhere.
        init(blocks: Bool = true, size: CInt = 4_096) throws {
            var ends: [CInt] = [-1, -1]
            try #require(pipe(&ends) == 0)
            (reader, writer) = (ends[0], ends[1])
            _ = fcntl(writer, setPipeSize, size)
            _ = fcntl(reader, F_SETFL, O_RDONLY | O_NONBLOCK)
            if !blocks { _ = fcntl(writer, F_SETFL, O_WRONLY | O_NONBLOCK) }
        }

        deinit {
            closeReader()
            close(writer)
        }

        func closeReader() {
            isReaderOpen.withLock { isOpen in
                if isOpen { close(reader) }
                isOpen = false
            }
        }

        /// The lines that come, as soon as they are what is waited for.
        func read(until isEnough: ([Substring]) -> Bool) async throws -> [Substring] {
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65_536)
            return try await eventually("the lines arrive") {
                while case let count = systemRead(reader, &chunk, chunk.count), count > 0 { bytes += chunk[..<count] }
                guard bytes.last == UInt8(ascii: "\n") else { return nil }
                let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
                return isEnough(lines) ? lines : nil
            }
        }
    }

    private static func writer(to descriptor: CInt) -> LogWriter {
        LogWriter(descriptor: descriptor) { "dropped \($0)\n" }
    }

    /// Keeps the pipe open for as long as something may be written to it: its number would become another's.
    private static func writer(to pipe: Pipe, capacity: Int = 1 << 20) -> LogWriter {
        LogWriter(descriptor: pipe.writer, capacity: capacity) { count in withExtendedLifetime(pipe) { "dropped \(count)\n" } }
    }

    @Test("Lines are written whole and in their order, from many threads", arguments: [true, false])
    func order(blocks: Bool) async throws {
        let pipe = try Pipe(blocks: blocks, size: 65_536)
        let writer = Self.writer(to: pipe, capacity: 1 << 24)
        async let lines = pipe.read { $0.last == "the end" }
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<4 {
                group.addTask { for number in 0..<1_000 { writer.write("\(task) \(number) \(String(repeating: "x", count: number))\n") } }
            }
        }
        writer.write("the end\n")
        var next = [0, 0, 0, 0]
        for line in try await lines.dropLast() {
            let words = line.split(separator: " ")
            let (task, number) = (try #require(Int(words[0])), try #require(Int(words[1])))
            #expect(next[task] == number)
            #expect((words.count > 2 ? words[2].count : 0) == number)
            next[task] = number + 1
        }
        #expect(next == [1_000, 1_000, 1_000, 1_000])
    }

    @Test(
        "Who logs into a pipe that nobody reads does not wait; what is too much is dropped and counted, and a line in its place says so",
        arguments: [true, false])
    func unread(blocks: Bool) async throws {
        let pipe = try Pipe(blocks: blocks)
        let writer = Self.writer(to: pipe, capacity: 10_000)
        let counted = Mutex(0)
        writer.countDrops { lines in counted.withLock { $0 += lines } }
        // That it comes to an end is what is tested.
        for number in 0..<100_000 { writer.write("line \(number)\n") }
        let dropped = counted.withLock { $0 }
        #expect(dropped > 90_000)
        // Each line is there in its place, or a notice tells of it.
        func accounted(_ lines: [Substring]) -> Int? {
            var next = 0
            for line in lines {
                guard let number = line.split(separator: " ").last.flatMap({ Int($0) }) else { return nil }
                if line.hasPrefix("dropped ") { next += number } else if number == next { next += 1 } else { return nil }
            }
            return next
        }
        let lines = try await pipe.read { accounted($0) == 100_000 }
        #expect(lines.reduce(0) { $0 + ($1.hasPrefix("dropped ") ? Int($1.dropFirst(8)) ?? 0 : 0) } == dropped)
        writer.write("after\n")
        #expect(try await pipe.read { $0.last == "after" } == ["after"])
        #expect(counted.withLock { $0 } == dropped)
    }

    @Test("Lines dropped before anybody counts are counted then")
    func countedLate() async throws {
        let pipe = try Pipe()
        let writer = Self.writer(to: pipe, capacity: 10)
        writer.write("a line that is longer than the queue\n")
        let counted = Mutex(0)
        writer.countDrops { lines in counted.withLock { $0 += lines } }
        #expect(counted.withLock { $0 } == 1)
        #expect(try await pipe.read { !$0.isEmpty } == ["dropped 1"])
    }

    @Test("Without a reader lines are lost and counted, and nothing else comes of it")
    func noReader() async throws {
        signal(SIGPIPE, SIG_IGN)
        let pipe = try Pipe()
        pipe.closeReader()
        let writer = Self.writer(to: pipe)
        let counted = Mutex(0)
        writer.countDrops { lines in counted.withLock { $0 += lines } }
        for number in 0..<10 { writer.write("line \(number)\n") }
        writer.flush(within: .seconds(30))
        #expect(counted.withLock { $0 } == 10)
    }

    @Test("On a full disk lines are lost and counted")
    func fullDisk() async throws {
        let descriptor = open("/dev/full", O_WRONLY)
        defer { close(descriptor) }
        let writer = Self.writer(to: descriptor)
        let counted = Mutex(0)
        writer.countDrops { lines in counted.withLock { $0 += lines } }
        for number in 0..<10 { writer.write("line \(number)\n") }
        writer.flush(within: .seconds(30))
        #expect(counted.withLock { $0 } == 10)
    }

    @Test("Once lines can be written again one says how many were lost, and none is written behind half of another")
    func newReader() async throws {
        signal(SIGPIPE, SIG_IGN)
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/fifo"
        try #require(mkfifo(path, 0o600) == 0)
        let first = open(path, O_RDONLY | O_NONBLOCK)
        let descriptor = open(path, O_WRONLY)
        defer { close(descriptor) }
        _ = fcntl(descriptor, setPipeSize, 4_096)
        let writer = Self.writer(to: descriptor)
        writer.write(String(repeating: "x", count: 20_000) + "\n")
        var chunk = [UInt8](repeating: 0, count: 4_096)
        try await eventually("some of it arrives") { systemRead(first, &chunk, 4_096) > 0 }
        close(first)
        writer.write("line 2\n")
        writer.flush(within: .seconds(30))
        let second = open(path, O_RDONLY | O_NONBLOCK)
        defer { close(second) }
        var text = ""
        // A full pipe has to be read before it takes the next line.
        writer.write("line 3\n")
        try await eventually("the next line arrives") {
            let count = systemRead(second, &chunk, 4_096)
            if count > 0 { text += String(decoding: chunk[..<count], as: UTF8.self) }
            return text.hasSuffix("line 3\n")
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.suffix(3) == ["dropped 2", "line 3", ""])
        #expect(lines.dropLast(3).joined().allSatisfy { $0 == "x" })
    }

    @Test("A flush waits for what was logged, and no longer than it is told to")
    func flush() async throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("", to: "log")
        let descriptor = open(path, O_WRONLY | O_APPEND)
        defer { close(descriptor) }
        let writer = Self.writer(to: descriptor)
        for number in 0..<1_000 { writer.write("line \(number)\n") }
        writer.flush(within: .seconds(30))
        #expect(try directory.read("log").count { $0 == UInt8(ascii: "\n") } == 1_000)

        let pipe = try Pipe()
        let stuck = Self.writer(to: pipe)
        stuck.write(String(repeating: "x", count: 10_000) + "\n")
        let began = ContinuousClock.now
        stuck.flush(within: .milliseconds(50))
        #expect(began.duration(to: .now) >= .milliseconds(50))
        _ = try await pipe.read { !$0.isEmpty }
        stuck.flush(within: .seconds(30))
    }
}

/// `F_SETPIPE_SZ`
private let setPipeSize: CInt = 1_031

/// The system call, under a name that no method hides.
private func systemRead(_ descriptor: CInt, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int { read(descriptor, buffer, count) }
