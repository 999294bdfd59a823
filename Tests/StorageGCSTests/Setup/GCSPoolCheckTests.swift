import MirrorCore
import MirrorNet
import MirrorStorage
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite("The check of a pool", .timeLimit(.minutes(5)))
struct GCSPoolCheckTests {
    private static func manners(_ access: BucketAccess = .public) -> ProbeServer.Manners {
        ProbeServer.Manners(resource: GCSPoolPlanTests.resource(GCSPoolPlanTests.target(access)))
    }

    /// Runs a check, which must leave nothing behind.
    private static func check(
        _ manners: ProbeServer.Manners, access: BucketAccess = .public, credentials: GivenCredentials? = nil,
        leaves count: Int = 0
    ) async throws -> (isFine: Bool, lines: [SetupLine]) {
        let signing = GivenCredentials([
            GCSCredentials(.token("T"), signer: .key(try SigningVectors.key()), expires: SystemClock().now + .seconds(3_600), owner: "a@p")
        ])
        return try await FakeOrigin.run { origin async throws in
            let server = ProbeServer(manners)
            origin.on(everything: { server.answer($0) })
            let connection = StoreFixture.connection()
            let configuration = GCSConfiguration(
                bucket: "bucket", endpoint: GCSEndpoint(try ArtifactURL(origin.url("/"))), reading: BucketReading(access: access),
                credentials: credentials ?? signing, location: "us-central1")
            let setup = GCSPoolSetup(configuration: configuration, retention: .seconds(86_400), connection: connection)
            let check = GCSPoolCheck(setup: setup, credentialsSource: "of the test")
            var lines: [SetupLine] = []
            do {
                let isFine = try await check.run { lines.append($0) }
                await connection.http.shutdown()
                #expect(server.paths.count == count, "\(server.paths)")
                return (isFine, lines)
            } catch {
                await connection.http.shutdown()
                throw error
            }
        }
    }

    @Test("A pool that is set up passes, and the probe is gone afterwards", arguments: [BucketAccess.public, .presigned])
    func fine(_ access: BucketAccess) async throws {
        var manners = Self.manners(access)
        manners.letsEverybodyRead = access == .public
        let (isFine, lines) = try await Self.check(manners, access: access)
        #expect(isFine && lines.allSatisfy { $0.mark == .ok }, "\(lines)")
        for words in [
            "credentials: a@p, of the test, they expire at", "bucket: bucket exists in us-central1", "may write an object",
            "may read an object", "may look at an object", "may list objects", "does not replace an existing one", "clients may read",
            "may copy objects within the service", "may upload in parts", "may delete an object", "lifecycle: forgotten objects",
        ] {
            #expect(lines.contains { $0.text.contains(words) }, "\(words)")
        }
    }

    @Test(
        "What is refused is said with the permission that is missing",
        arguments: [
            (.put, "grant storage.objects.create", 0), (.get, "grant storage.objects.get", 0), (.delete, "grant storage.objects.delete", 4),
            (.create, "grant storage.multipartUploads.create and storage.multipartUploads.abort", 0), (.part, "cannot upload in parts", 0),
            (.publish, "cannot upload in parts", 0),
        ] as [(UploadStep, String, Int)])
    func refused(_ step: UploadStep, _ words: String, _ left: Int) async throws {
        var manners = Self.manners()
        manners.refused = [step]
        let (isFine, lines) = try await Self.check(manners, leaves: left)
        #expect(!isFine && lines.contains { $0.mark == .error && $0.text.contains(words) }, "\(lines)")
    }

    @Test("Clients that cannot read are an error, with what to do")
    func unreadable() async throws {
        var manners = Self.manners()
        manners.letsEverybodyRead = false
        let (isFine, lines) = try await Self.check(manners)
        let advice = "run `cloud-mirror pools apply`, which makes them public"
        #expect(!isFine && lines.contains { $0.mark == .error && $0.text.contains(advice) })
        manners.takesSignatures = false
        let signed = try await Self.check(manners, access: .presigned)
        #expect(!signed.isFine && signed.lines.contains { $0.text.contains("the account that signs must be allowed to read") })
        let unsigned = try await Self.check(
            manners, access: .presigned, credentials: GivenCredentials([GCSCredentials(.token("T"), signer: nil)]))
        #expect(!unsigned.isFine && unsigned.lines.contains { $0.mark == .error && $0.text.contains("the credentials sign no URLs") })
    }

    @Test("What works, but not as it should, is a warning")
    func warnings() async throws {
        var manners = Self.manners()
        manners.heedsConditions = false
        manners.resource = manners.resource?.with("softDeletePolicy", .object(["retentionDurationSeconds": .string("604800")]))
            .with("lifecycle", nil)
        manners.ahead = .seconds(300)
        let (isFine, lines) = try await Self.check(manners)
        #expect(isFine)
        for words in ["ignores x-goog-if-generation-match", "soft deletion", "nothing deletes forgotten objects", "s behind the service"] {
            #expect(lines.contains { $0.mark == .warning && $0.text.contains(words) }, "\(words): \(lines)")
        }
        let open = try await Self.check(Self.manners(.presigned), access: .presigned)
        #expect(open.isFine && open.lines.contains { $0.mark == .warning && $0.text.contains("everybody may read without a signature") })
    }

    @Test("A bucket that is missing or elsewhere ends the check")
    func noBucket() async throws {
        let missing = try await Self.check(ProbeServer.Manners())
        #expect(!missing.isFine && missing.lines.last?.text.contains("there is no bucket bucket: run `cloud-mirror pools apply`") == true)
        var manners = Self.manners()
        manners.resource = manners.resource?.with("location", .string("EU"))
        let elsewhere = try await Self.check(manners)
        #expect(!elsewhere.isFine && elsewhere.lines.last?.text.contains("write `region: eu`") == true)
    }

    @Test("A rule that deletes what the mirror still counts on is an error")
    func premature() async throws {
        var manners = Self.manners()
        let rule: JSONValue = .object(["action": .object(["type": .string("Delete")]), "condition": .object(["age": .integer(1)])])
        manners.resource = manners.resource?.with("lifecycle", .object(["rule": .array([rule])]))
        let (isFine, lines) = try await Self.check(manners)
        #expect(!isFine && lines.contains { $0.mark == .error && $0.text.contains("a rule deletes objects 1 days") })
    }
}
