import Foundation
import StorageCloud
import TestServers
import Testing

@testable import StorageS3

/// botocore, which the AWS CLI is built on, is asked what it finds on the same machine with the same services.
@Suite(
    .enabled(if: PythonPeer.isWanted, "botocore is missing: set CLOUD_MIRROR_TEST_PYTHON, or use `make test`"), .timeLimit(.minutes(5)))
struct CredentialsPeerTests {
    typealias Place = CredentialsOrderTests.Place

    private static let program = """
        import json, os, sys
        import botocore.session
        for case in json.load(sys.stdin):
            os.environ.clear()
            os.environ.update(case["environment"])
            try:
                found = botocore.session.Session(profile=case.get("profile")).get_credentials()
                found = found and found.get_frozen_credentials()
                answer = [found.access_key, found.secret_key, found.token or ""] if found else ["none"]
            except Exception as error:
                answer = [type(error).__name__]
            print(json.dumps(answer))
        """

    struct Question: Encodable {
        var environment: [String: String]
        var profile: String?
    }

    /// What botocore finds: key, secret and token, or one word.
    static func answers(to questions: [Question], in scene: CredentialScene) async throws -> [[String]] {
        let python = try #require(
            PythonPeer.python, "CLOUD_MIRROR_TEST_PYTHON is not set; run these tests with `make test`, which sets it")
        let input = try scene.write("questions", String(decoding: try JSONEncoder().encode(questions), as: UTF8.self))
        let program = try scene.write("peer.py", program)
        let runner = try scene.write("peer", "exec '\(python)' -B '\(program)' < '\(input)'\n")
        let output = try await CredentialProcess.run(
            "/bin/sh '\(runner)'", environment: ProcessInfo.processInfo.environment, limit: 1 << 20)
        return try output.split(separator: UInt8(ascii: "\n")).map { try JSONDecoder().decode([String].self, from: Data($0)) }
    }

    private func words(_ credentials: S3Credentials) -> [String] {
        [credentials.accessKeyID, credentials.secretAccessKey, credentials.sessionToken ?? ""]
    }

    /// One after the other, because all have the same files.
    @Test(arguments: Place.allCases) func `both find the same where there are several`(_ first: Place) async throws {
        try await CredentialScene.run { scene async throws in
            let scene = try CredentialsOrderTests.scene(scene, with: Set(Place.allCases.drop { $0 != first })).with([
                "AWS_DEFAULT_REGION": "eu-central-1"
            ])
            let ours = try await scene.chain().load()
            let theirs = try await Self.answers(to: [Question(environment: scene.environment)], in: scene)
            #expect([words(ours)] == theirs)
            #expect(ours.accessKeyID == first.keyID)
        }
    }

    @Test func `both read the same out of awkward files`() async throws {
        try await CredentialScene.run { scene async throws in
            try scene.config(
                """
                # a comment
                [default]
                region = eu-north-1
                s3 =
                  max_concurrent_requests = 20
                  aws_access_key_id = NESTED
                output = json

                [profile indented]
                    aws_access_key_id = INDENTED
                    ; another comment
                    aws_secret_access_key = a=b=c

                [profile "quoted name"]
                AWS_ACCESS_KEY_ID=QUOTED
                Aws_Secret_Access_Key=x/y+z#w

                [unprefixed]
                aws_access_key_id = UNPREFIXED
                aws_secret_access_key = s

                [profile chained]
                role_arn = arn:aws:iam::1:role/second
                source_profile = first

                [profile first]
                role_arn = arn:aws:iam::1:role/first
                source_profile = both

                [profile itself]
                role_arn = arn:aws:iam::1:role/own
                source_profile = itself
                aws_access_key_id = ITSELF
                aws_secret_access_key = s

                [profile loop]
                role_arn = arn:aws:iam::1:role/loop
                source_profile = pool

                [profile pool]
                role_arn = arn:aws:iam::1:role/pool
                source_profile = loop

                [profile environment]
                role_arn = arn:aws:iam::1:role/environment
                credential_source = Environment

                [profile container]
                role_arn = arn:aws:iam::1:role/container
                credential_source = EcsContainer

                [profile instance]
                role_arn = arn:aws:iam::1:role/instance
                credential_source = Ec2InstanceMetadata

                [profile nowhere]
                role_arn = arn:aws:iam::1:role/nowhere
                credential_source = Elsewhere

                [profile neither]
                role_arn = arn:aws:iam::1:role/neither

                [profile two]
                role_arn = arn:aws:iam::1:role/two
                credential_source = Environment
                source_profile = itself

                [profile web]
                role_arn = arn:aws:iam::1:role/profile-web
                web_identity_token_file = \(try scene.write("token", FakeCloud.identityToken))

                [profile fromweb]
                role_arn = arn:aws:iam::1:role/second
                source_profile = web

                [profile half]
                aws_access_key_id = HALF
                """.replacingOccurrences(of: "\n", with: "\r\n"))
            try scene.credentials(
                """
                [both]
                aws_access_key_id = BOTH
                aws_secret_access_key = s
                aws_session_token = with-a-token

                [unprefixed2]
                aws_access_key_id=  UNPREFIXED2\t
                aws_secret_access_key\t=s
                """)
            let scene = scene.with([
                "AWS_DEFAULT_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": nil,
                "AWS_EC2_METADATA_SERVICE_ENDPOINT": scene.server.url,
                "AWS_ACCESS_KEY_ID": "ENVIRONMENT", "AWS_SECRET_ACCESS_KEY": "s",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "\(scene.server.url)/agent",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": FakeCloud.agentToken,
            ])
            let found = [
                "indented": "INDENTED", "quoted name": "QUOTED", "chained": "ROLE.second.ROLE.first.BOTH", "itself": "ROLE.own.ITSELF",
                "environment": "ROLE.environment.ENVIRONMENT", "container": "ROLE.container.CONTAINER",
                "instance": "ROLE.instance.INSTANCE", "web": "WEB.profile-web", "fromweb": "ROLE.second.WEB.profile-web", "both": "BOTH",
                "unprefixed2": "UNPREFIXED2",
                // Not these: what the default profile lacks, a container's agent has.
                "default": "CONTAINER",
            ]
            let failing = ["unprefixed", "loop", "nowhere", "neither", "two", "half", "absent"]
            let profiles = found.keys.sorted() + failing
            let theirs = try await Self.answers(to: profiles.map { Question(environment: scene.environment, profile: $0) }, in: scene)
            #expect(theirs.count == profiles.count)
            for (profile, answer) in zip(profiles, theirs) {
                if let keyID = found[profile] {
                    let ours = try await scene.chain(profile: profile).load()
                    #expect(ours.accessKeyID == keyID, "\(profile)")
                    #expect(words(ours) == answer, "\(profile)")
                } else {
                    #expect(answer.count == 1 && answer != ["none"], "\(profile): \(answer)")
                    #expect(try await scene.failure(profile: profile).code == .invalid, "\(profile)")
                }
            }
        }
    }
}
