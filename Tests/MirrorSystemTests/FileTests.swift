import MirrorSystem
import TestServers
import Testing

@Suite("Files and directories by their paths")
struct FileTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    @Test("A small file is read whole, and one that is too large is not")
    func smallFile() throws {
        let path = try directory.write("0123456789", to: "file")
        #expect(try SmallFile.read(path, limit: 10).bytes == Array("0123456789".utf8))
        let tooLarge = #expect(throws: SmallFile.Problem.self) { try SmallFile.read(path, limit: 9) }
        #expect(tooLarge?.description == "it is larger than 9 bytes")
        let missing = #expect(throws: SmallFile.Problem.self) { try SmallFile.read("\(path)/none", limit: 9) }
        #expect(missing == .failed(.notDirectory))
    }

    @Test("Who may read a file is said with its content", arguments: [(0o644, true), (0o640, false), (0o600, false)] as [(UInt16, Bool)])
    func worldReadable(mode: UInt16, isReadable: Bool) throws {
        let path = try directory.write("x", to: "file")
        try Descriptor(path, for: .reading).setPermissions(mode)
        #expect(try SmallFile.read(path, limit: 10).isWorldReadable == isReadable)
    }

    @Test("A small file is written over a longer one, and not through a link or into a pipe")
    func write() async throws {
        let path = try directory.write("longer than that", to: "file")
        try SmallFile.write(Array("short".utf8), to: path)
        #expect(try directory.read("file") == Array("short".utf8))
        try await ChildProcess.run("ln", ["-s", path, "\(directory.path)/link"])
        try await ChildProcess.run("mkfifo", ["\(directory.path)/pipe"])
        let reader = try Descriptor("\(directory.path)/pipe", for: .reading, .nonBlocking)
        for name in ["link", "pipe"] {
            #expect(throws: Errno.self) { try SmallFile.write(Array("x".utf8), to: "\(directory.path)/\(name)") }
        }
        #expect(try reader.rest(limit: 10) == [])
        #expect(try directory.read("file") == Array("short".utf8))
    }

    @Test("Directories are made with those above them, for this user alone")
    func directories() throws {
        try Directories.make("\(directory.path)/a/b/c")
        try Directories.make("\(directory.path)/a/b/c")
        #expect(try directory.contents() == ["a/", "a/b/", "a/b/c/"])
        for name in ["a", "a/b", "a/b/c"] { #expect(try directory.mode(name) == 0o700) }
        try directory.write("", to: "file")
        #expect(throws: Errno.notDirectory) { try Directories.make("\(directory.path)/file/d") }
    }

    @Test("The directory of a path", arguments: [("/a/b", "/a"), ("/a", "/"), ("/", "/"), ("a/b", "a"), ("a", "/"), ("/a/b/", "/a/b")])
    func parent(path: String, parent: String) {
        #expect(Directories.parent(of: path) == parent)
    }

    @Test("A real path has no links, also of what is not there yet")
    func realPath() async throws {
        let real = try #require(RealPath.resolve(directory.path))
        try Directories.make("\(directory.path)/a/b")
        try await ChildProcess.run("ln", ["-s", "a/b", "\(directory.path)/link"])
        #expect(FilePath.target(ofLink: "\(directory.path)/link") == "a/b")
        #expect(FilePath.target(ofLink: "\(directory.path)/a") == nil)
        #expect(RealPath.existing("\(directory.path)/link") == "\(real)/a/b")
        #expect(RealPath.existing("\(directory.path)/link/x") == nil)
        #expect(RealPath.resolve("\(directory.path)/link/x/y") == "\(real)/a/b/x/y")
    }

    @Test("What is at a path")
    func status() async throws {
        try directory.write("12345", to: "file")
        try await ChildProcess.run("ln", ["-s", "file", "\(directory.path)/link"])
        #expect(try FileStatus(of: "\(directory.path)/file").kind == .regular)
        #expect(try FileStatus(of: "\(directory.path)/file").size == 5)
        #expect(try FileStatus(of: "\(directory.path)/link").kind == .regular)
        #expect(try FileStatus(of: "\(directory.path)/link", followingLinks: false).kind == .link)
        #expect(try FileStatus(of: directory.path).kind == .directory)
        #expect(throws: Errno.noSuchFileOrDirectory) { try FileStatus(of: "\(directory.path)/none") }
        #expect(try FileSystemSpace(of: directory.path).total > 0)
    }
}
