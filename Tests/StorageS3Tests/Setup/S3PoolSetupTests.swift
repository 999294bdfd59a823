import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud
import Testing

@testable import StorageS3

@Suite struct S3PoolSetupTests {
    @Test("A bucket is made, becomes public and then private, and is left alone once it is right")
    func story() async throws {
        try await SetupServer.run { server async throws in
            let first = try await server.setup(server.configuration()).plan()
            #expect(first.hasChanges && !first.hasProblems)
            #expect(first.lines.first?.text.hasPrefix("create the bucket \(server.bucket)") == true)
            #expect(try await server.apply(server.configuration()) == [])
            let again = try await server.setup(server.configuration()).plan()
            #expect(!again.hasChanges && !again.hasProblems, "\(again.lines.map(\.text))")

            try await server.put("a/b", "text")
            #expect(try await server.plainStatus("a/b") == 200)
            #expect(try await server.apply(server.configuration(.presigned)) == [])
            #expect(try await server.plainStatus("a/b") == 403)
            let last = try await server.setup(server.configuration(.presigned)).plan()
            #expect(!last.hasChanges, "\(last.lines.map(\.text))")
        }
    }

    @Test("Only what lies under the prefix becomes public, and what others set up stays")
    func prefixAndForeign() async throws {
        try await SetupServer.run { server async throws in
            _ = try await server.client.send(S3Call("createBucket", .PUT))
            let foreign =
                #"{"Version":"2012-10-17","Statement":[{"Sid":"Theirs","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::\#(server.bucket)/theirs/*"}]}"#
            _ = try await server.client.send(
                S3Call("putBucketPolicy", .PUT, query: [("policy", nil)], body: .bytes([ByteBuffer(string: foreign)])))
            let configuration = server.configuration(prefix: "mirror/")
            #expect(try await server.apply(configuration) == [])
            for key in ["mirror/a", "theirs/a", "a"] { try await server.put(key, "text") }
            #expect(try await server.plainStatus("mirror/a") == 200)
            #expect(try await server.plainStatus("theirs/a") == 200)
            #expect(try await server.plainStatus("a") == 403)
            let state = try await server.setup(configuration).state()
            guard case .value(let policy?) = state.policy else {
                Issue.record("there is no policy: \(state.policy)")
                return
            }
            #expect(policy.hasStatement(named: "Theirs") && policy.hasStatement(named: "cloud-mirror-public-read-mirror"))
        }
    }

    @Test(
        "A pool that is set up passes every check, and the probe is gone afterwards",
        arguments: [BucketAccess.public, .presigned])
    func check(access: BucketAccess) async throws {
        try await SetupServer.run { server async throws in
            let configuration = server.configuration(access, prefix: "p/")
            _ = try await server.apply(configuration)
            let (isFine, lines) = try await server.check(configuration)
            #expect(isFine, "\(lines.filter { $0.mark != .ok })")
            #expect(!lines.contains { $0.mark == .error })
            let texts = lines.map(\.text)
            for beginning in [
                "credentials: ", "endpoint: ", "clock: ", "bucket: ", "may write", "may read", "may look", "may list",
                "a write that requires a new object", "clients may read",
                "may upload in parts", "may copy", "may delete", "lifecycle: ",
            ] {
                #expect(texts.contains { $0.hasPrefix(beginning) }, "\(beginning)")
            }
            let left = try await server.client.document(S3Call("list", .GET, query: [("list-type", "2")]))
            #expect(left.all("Contents").isEmpty)
            #expect(!texts.contains { $0.contains(server.credentials.secretAccessKey) })
        }
    }

    @Test("What is wrong is said with what to do")
    func wrong() async throws {
        try await SetupServer.run { server async throws in
            func errors(_ configuration: S3Configuration) async throws -> [String] {
                let (isFine, lines) = try await server.check(configuration)
                #expect(!isFine)
                return lines.filter { $0.mark == .error }.map(\.text)
            }
            #expect(try await errors(server.configuration()).first?.contains("run `cloud-mirror pools apply`") == true)
            _ = try await server.apply(server.configuration(.presigned))
            let notPublic = try await errors(server.configuration())
            #expect(notPublic.count == 1)
            #expect(notPublic.first?.hasPrefix("clients may not read") == true)
            let wrongSecret = try await errors(server.configuration(secret: "wrong"))
            #expect(wrongSecret.count == 1)
            #expect(wrongSecret.first?.contains("correct the secret access key") == true, "\(wrongSecret)")

            var nowhere = server.configuration()
            nowhere.endpoint.port = 1
            #expect(try await errors(nowhere).first?.contains("cannot be reached") == true)
        }
    }

    @Test("Of a server that lacks much of it a bucket is made all the same, and the check says what is left out")
    func openStack() async throws {
        try await SetupServer.run(.openStack) { server async throws in
            #expect(try await server.apply(server.configuration(.presigned)) == [])
            let again = try await server.setup(server.configuration(.presigned)).plan()
            #expect(!again.hasChanges && !again.hasProblems, "\(again.lines)")
            let (isFine, lines) = try await server.check(server.configuration(.presigned))
            #expect(isFine, "\(lines.filter { $0.mark == .error })")
            for beginning in ["may write", "may upload in parts", "may copy", "may delete"] {
                #expect(lines.contains { $0.mark == .ok && $0.text.hasPrefix(beginning) }, "\(beginning)")
            }
            let missing = lines.filter { $0.mark == .warning && $0.text.hasPrefix("the server does not accept") }.map(\.text)
            #expect(missing.contains { $0.contains("If-None-Match on uploads (NotImplemented (501)") }, "\(missing)")
            #expect(missing.contains { $0.contains("If-None-Match on copies") }, "\(missing)")
            let left = try await server.client.document(S3Call("list", .GET, query: [("list-type", "2")]))
            #expect(left.all("Contents").isEmpty)
        }
    }
}
