import Foundation
import MirrorCore
import StorageCloud
import TestServers
import Testing

struct CredentialProcessTests {
    /// A directory that scripts are written to.
    private let home: TemporaryDirectory

    init() throws {
        home = try TemporaryDirectory()
    }

    /// The script is given to `/bin/sh` by name, never run by itself: a file that is open for writing cannot be run (ETXTBSY), and for an instant
    /// it is open in whatever child another test starts meanwhile.
    private func run(
        _ text: String, arguments: String = "", environment: [String: String] = [:], timeout: Duration = .seconds(60), limit: Int = 1 << 16
    ) async throws -> String {
        let script = try home.write(text.utf8, to: "a script")
        let output = try await CredentialProcess.run(
            "/bin/sh '\(script)' \(arguments)", environment: environment.merging(["PATH": "/usr/bin:/bin"]) { mine, _ in mine },
            timeout: timeout, limit: limit)
        return String(decoding: output, as: UTF8.self)
    }

    @Test func `its words reach the program as they are: there is no shell`() async throws {
        let output = try await run(#"printf '%s|' "$#" "$@""#, arguments: #"$HOME $(id) 'a b' "c\"d" ; * > x && y"#)
        #expect(output == #"10|$HOME|$(id)|a b|c"d|;|*|>|x|&&|y|"#)
    }

    @Test func `it has the given environment and nothing on its input`() async throws {
        #expect(try await run(#"printf %s "$MINE:$USER:$(cat)""#, environment: ["MINE": "x y"]) == "x y::")
    }

    @Test func `it gets none of this process's open files and connections`() async throws {
        // As SwiftNIO's sockets are.
        let inherited = fcntl(0, F_DUPFD, 100)
        defer { close(inherited) }
        #expect(fcntl(inherited, F_GETFD) & FD_CLOEXEC == 0)
        // The shell itself has the script open, as 10 or more.
        let output = try await run(
            "for name in 3 4 5 6 7 8 9 \(inherited); do [ -e /proc/$$/fd/$name ] && printf '%s ' $name; done; printf done")
        #expect(output == "done")
    }

    @Test func `it is looked for along PATH`() async throws {
        try FileManager.default.createSymbolicLink(atPath: "\(home.path)/found-it", withDestinationPath: "/bin/echo")
        let environment = ["PATH": "/nowhere:\(home.path):/bin"]
        #expect(try await CredentialProcess.run("found-it here", environment: environment) == Array("here\n".utf8))
        for command in ["not-found-it", "/nowhere/x", "'open", ""] {
            let error = await #expect(throws: CredentialsError.self) {
                try await CredentialProcess.run(command, environment: environment)
            }
            #expect(error?.code == .invalid)
        }
    }

    @Test func `all that it writes is read, until there is too much`() async throws {
        #expect(try await run("head -c 50000 /dev/zero; exec >&-; sleep 0.1", limit: 50_000).utf8.count == 50_000)
        let error = await #expect(throws: CredentialsError.self) { try await run("yes") }
        #expect(error?.code == .invalid && error?.message.contains("more than 65536 bytes") == true)
    }

    @Test func `one that takes too long is killed, and so is what it started`() async throws {
        let pids = "\(home.path)/pids"
        var numbers: [Int32] = []
        // On a busy machine it takes a while until the program has begun.
        for seconds in [0.5, 5, 30] where numbers.count < 2 {
            let error = await #expect(throws: CredentialsError.self) {
                try await run("sleep 3600 &\necho $$ $! > '\(pids)'\nwait", timeout: .seconds(seconds))
            }
            #expect(error?.code == .unavailable && error?.message.contains("\(seconds) s") == true)
            let text = (try? String(contentsOfFile: pids, encoding: .utf8)) ?? ""
            numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }
        }
        #expect(numbers.count == 2)
        for number in numbers {
            // A signal takes a moment. Gone, or dead and not yet collected by whoever adopted it.
            try await eventually("\(number) has ended") {
                let stat = try? String(contentsOfFile: "/proc/\(number)/stat", encoding: .utf8)
                let state = stat?.split(separator: " ").dropFirst(2).first
                return state == nil || state == "Z" || state == "X"
            }
        }
    }

    @Test func `what it leaves running is not waited for`() async throws {
        // Had it been waited for, the program would have taken longer than it may.
        let words = try await run("sleep 3600 &\necho done $!").split(whereSeparator: \.isWhitespace)
        #expect(words.count == 2 && words.first == "done")
        if let left = words.last.flatMap({ Int32($0) }) { kill(left, SIGKILL) }
    }

    @Test func `a cancelled task kills it`() async throws {
        let task = Task { try await run("sleep 600") }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func `one that fails is said with its status, and not with its words`() async throws {
        for (text, message) in [
            ("echo secret; echo secret >&2; exit 3", "fails with status 3"), ("kill -TERM $$", "ended by signal 15"),
        ] {
            let error = await #expect(throws: CredentialsError.self) { try await run(text) }
            #expect(error?.code == .unavailable && error?.message.contains(message) == true, "\(String(describing: error))")
            #expect(error?.message.contains("secret") == false)
        }
    }
}
