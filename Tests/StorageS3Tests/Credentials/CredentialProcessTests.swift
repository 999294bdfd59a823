import Foundation
import MirrorCore
import TestServers
import Testing

@testable import StorageS3

struct CredentialProcessTests {
    private func run(
        _ scene: CredentialScene, _ text: String, arguments: String = "", timeout: Duration = .seconds(60), limit: Int = 1 << 16
    ) async throws -> String {
        let script = try scene.write("a script", text)
        let output = try await CredentialProcess.run(
            "/bin/sh '\(script)' \(arguments)", environment: scene.environment, timeout: timeout, limit: limit)
        return String(decoding: output, as: UTF8.self)
    }

    @Test func `its words reach the program as they are: there is no shell`() async throws {
        try await CredentialScene.run { scene async throws in
            let output = try await run(scene, #"printf '%s|' "$#" "$@""#, arguments: #"$HOME $(id) 'a b' "c\"d" ; * > x && y"#)
            #expect(output == #"10|$HOME|$(id)|a b|c"d|;|*|>|x|&&|y|"#)
        }
    }

    @Test func `it has the given environment and nothing on its input`() async throws {
        try await CredentialScene.run { scene async throws in
            #expect(try await run(scene.with(["MINE": "x y"]), #"printf %s "$MINE:$USER:$(cat)""#) == "x y::")
        }
    }

    @Test func `it is looked for along PATH`() async throws {
        try await CredentialScene.run { scene async throws in
            try FileManager.default.createSymbolicLink(atPath: "\(scene.home.path)/found-it", withDestinationPath: "/bin/echo")
            let environment = ["PATH": "/nowhere:\(scene.home.path):/bin"]
            #expect(try await CredentialProcess.run("found-it here", environment: environment) == Array("here\n".utf8))
            for command in ["not-found-it", "/nowhere/x", "'open", ""] {
                let error = await #expect(throws: CredentialsError.self) {
                    try await CredentialProcess.run(command, environment: environment)
                }
                #expect(error?.code == .invalid)
            }
        }
    }

    @Test func `all that it writes is read, until there is too much`() async throws {
        try await CredentialScene.run { scene async throws in
            #expect(try await run(scene, "head -c 50000 /dev/zero; exec >&-; sleep 0.1", limit: 50_000).utf8.count == 50_000)
            let error = await #expect(throws: CredentialsError.self) { try await run(scene, "yes") }
            #expect(error?.code == .invalid && error?.message.contains("more than 65536 bytes") == true)
        }
    }

    @Test func `one that takes too long is killed, and so is what it started`() async throws {
        try await CredentialScene.run { scene async throws in
            let pids = scene.home.appendingPathComponent("pids")
            var numbers: [Int32] = []
            // On a busy machine it takes a while until the program has begun.
            for seconds in [0.5, 5, 30] where numbers.count < 2 {
                let error = await #expect(throws: CredentialsError.self) {
                    try await run(scene, "sleep 3600 &\necho $$ $! > '\(pids.path)'\nwait", timeout: .seconds(seconds))
                }
                #expect(error?.code == .unavailable && error?.message.contains("\(seconds) s") == true)
                let text = (try? String(contentsOf: pids, encoding: .utf8)) ?? ""
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
    }

    @Test func `what it leaves running is not waited for`() async throws {
        try await CredentialScene.run { scene async throws in
            // Had it been waited for, the program would have taken longer than it may.
            let words = try await run(scene, "sleep 3600 &\necho done $!").split(whereSeparator: \.isWhitespace)
            #expect(words.count == 2 && words.first == "done")
            if let left = words.last.flatMap({ Int32($0) }) { kill(left, SIGKILL) }
        }
    }

    @Test func `a cancelled task kills it`() async throws {
        try await CredentialScene.run { scene async throws in
            let task = Task { try await run(scene, "sleep 600") }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test func `one that fails is said with its status, and not with its words`() async throws {
        try await CredentialScene.run { scene async throws in
            for (text, message) in [
                ("echo secret; echo secret >&2; exit 3", "fails with status 3"), ("kill -TERM $$", "ended by signal 15"),
            ] {
                let error = await #expect(throws: CredentialsError.self) { try await run(scene, text) }
                #expect(error?.code == .unavailable && error?.message.contains(message) == true, "\(String(describing: error))")
                #expect(error?.message.contains("secret") == false)
            }
        }
    }

    @Test(
        arguments: [
            (#"{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s"}"#, nil),
            (
                #"{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": "2099-01-01T00:00:00Z"}"#,
                nil
            ),
            (#"{"Version": 2, "AccessKeyId": "A", "SecretAccessKey": "s"}"#, .unsupported),
            (#"{"AccessKeyId": "A", "SecretAccessKey": "s"}"#, .unsupported),
            (#"{"Version": 1, "AccessKeyId": "A"}"#, .invalid), (#"{"Version": "1"}"#, .invalid), ("nothing", .invalid), ("", .invalid),
        ] as [(String, CredentialsError.Code?)]) func `its answer is read strictly`(_ document: String, _ code: CredentialsError.Code?)
        async throws
    {
        try await CredentialScene.run { scene async throws in
            let answer = try scene.write("answer", document)
            try scene.config("[default]\ncredential_process = cat '\(answer)'\n")
            if let code {
                let failure = try await scene.failure()
                #expect(failure.code == code && failure.message.contains("credential_process of profile default"), "\(failure)")
            } else {
                #expect(try await scene.keyID() == "A")
            }
        }
    }
}
