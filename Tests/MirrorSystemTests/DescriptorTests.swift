import MirrorSystem
import TestServers
import Testing

@Suite("An open file")
struct DescriptorTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    @Test("is read at places, up to its end")
    func reads() throws {
        let file = try Descriptor(try directory.write("0123456789", to: "file"), for: .reading)
        #expect(try file.bytes(4, at: 3) == Array("3456".utf8))
        #expect(try file.bytes(100, at: 8) == Array("89".utf8))
        #expect(try file.bytes(1, at: 10) == [])
        #expect(try file.rest(limit: 10) == Array("0123456789".utf8))
        #expect(try file.rest(limit: 10) == [])
        #expect(try file.fileSize() == 10)
    }

    @Test("is not read when more is left than may be")
    func limit() throws {
        let file = try Descriptor(try directory.write("0123456789", to: "file"), for: .reading)
        #expect(try file.rest(limit: 9) == nil)
    }

    @Test("is written where it is told to, or one after the other")
    func writes() throws {
        let path = "\(directory.path)/file"
        let file = try Descriptor(path, for: .readingAndWriting, [.create, .exclusive], mode: 0o640)
        try file.append(Array("abc".utf8))
        try file.append(Array("def".utf8))
        try Array("XY".utf8).withUnsafeBytes { try file.write($0, at: 1) }
        #expect(try directory.read("file") == Array("aXYdef".utf8))
        try file.truncate(to: 2)
        try file.setPermissions(0o600)
        #expect(try FileStatus(of: path).size == 2)
        #expect(try FileStatus(of: path).permissions == 0o600)
        #expect(throws: Errno.fileExists) { try Descriptor(path, for: .writing, [.create, .exclusive]) }
    }

    @Test("can be locked by one of those who have opened it, until it is closed")
    func locks() throws {
        let path = try directory.write("", to: "lock")
        let second = try Descriptor(path, for: .reading)
        do {
            let first = try Descriptor(path, for: .reading)
            #expect(try first.lockExclusively())
            #expect(try !second.lockExclusively())
            first.unlock()
            #expect(try second.lockExclusively())
            second.unlock()
            #expect(try first.lockExclusively())
            first.unlock()
        }
        #expect(try second.lockExclusively())
    }

    @Test("is not opened through a link, and a pipe keeps nobody waiting, where that is asked for")
    func oddFiles() async throws {
        let path = try directory.write("x", to: "file")
        try await ChildProcess.run("ln", ["-s", path, "\(directory.path)/link"])
        try await ChildProcess.run("mkfifo", ["\(directory.path)/pipe"])
        #expect(try Descriptor("\(directory.path)/link", for: .reading).fileSize() == 1)
        #expect(throws: Errno.tooManySymbolicLinkLevels) { try Descriptor("\(directory.path)/link", for: .reading, .noFollow) }
        #expect(try Descriptor("\(directory.path)/pipe", for: .reading, .nonBlocking).fileSize() == nil)
        #expect(throws: Errno.noSuchFileOrDirectory) { try Descriptor("\(directory.path)/none", for: .reading) }
    }
}
