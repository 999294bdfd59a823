import Foundation
import Logging
import MirrorCore
import StorageCloud
import TestServers
import Testing

@testable import StorageS3

/// No secret is in an error or a log, however much goes wrong.
struct CredentialSecrecyTests {
    private static let secrets = FakeCloud.secrets + ["written-secret", "written-token"]

    /// What goes wrong, as a change of the machine.
    static let mishaps: [(name: String, files: [String: String], variables: [String: String])] = [
        ("half a key", [:], ["AWS_ACCESS_KEY_ID": "A"]),
        ("a line break in a secret", [:], ["AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "written-secret\n"]),
        (
            "a line break in a token", [:],
            ["AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "written-secret", "AWS_SESSION_TOKEN": "written-token\n"]
        ),
        (
            "an expiration that is none", [:],
            ["AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "written-secret", "AWS_CREDENTIAL_EXPIRATION": "written-token"]
        ),
        (
            "what has ended", [:],
            ["AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "written-secret", "AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z"]
        ),
        ("a file without sections", [".aws/credentials": "aws_secret_access_key = written-secret\n"], [:]),
        ("a line without a name", [".aws/credentials": "[default]\nwritten-secret\n"], [:]),
        ("a secret without a key", [".aws/credentials": "[default]\naws_secret_access_key = written-secret\n"], [:]),
        ("a key without a secret", [".aws/credentials": "[default]\naws_access_key_id = A\naws_session_token = written-token\n"], [:]),
        ("a token that STS refuses", ["token": "written-token"], ["AWS_WEB_IDENTITY_TOKEN_FILE": "token", "AWS_ROLE_ARN": "r"]),
        (
            "a token file with two words", ["token": "written token written-token"],
            ["AWS_WEB_IDENTITY_TOKEN_FILE": "token", "AWS_ROLE_ARN": "r"]
        ),
        (
            "a process that shows all",
            [".aws/config": "[default]\ncredential_process = sh -c 'echo written-secret; echo written-token >&2; exit 1'\n"],
            [:]
        ),
        ("a process that writes no JSON", [".aws/config": "[default]\ncredential_process = echo written-secret\n"], [:]),
        (
            "an agent that refuses", [:],
            ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "agent", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "written-token"]
        ),
        (
            "an agent's token with a line break", [:],
            ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "agent", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "written-token\n"]
        ),
    ]

    @Test(arguments: mishaps) func `a mishap is told without a secret`(
        _ mishap: (name: String, files: [String: String], variables: [String: String])
    ) async throws {
        try await CredentialScene.run { scene async throws in
            for (name, text) in mishap.files { try scene.write(name, text) }
            var variables = mishap.variables
            if variables["AWS_WEB_IDENTITY_TOKEN_FILE"] != nil { variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "\(scene.home.path)/token" }
            if variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] != nil {
                variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "\(scene.server.url)/agent"
            }
            let log = LogRecorder(.trace)
            let provider = S3CredentialsChain.standard(
                client: scene.client, region: nil, environment: scene.environment.merging(variables) { $1 }, clock: CredentialScene.clock,
                logger: log.logger)
            let error = await #expect(throws: CredentialsError.self) { try await provider.credentials() }
            let seen =
                try [
                    "\(#require(error))", String(reflecting: #require(error)), "\(#require(error).storageError(operation: "s3.put"))",
                ] + log.all
            #expect(log.all.count == 1)
            for text in seen {
                for secret in Self.secrets { #expect(!text.contains(secret), "\(mishap.name): \(text)") }
            }
        }
    }

    @Test func `credentials that were found are not in a log, nor in the text of their holders`() async throws {
        try await CredentialScene.run { scene async throws in
            let log = LogRecorder(.trace)
            let provider = S3CredentialsChain.standard(
                client: scene.client, region: nil,
                environment: scene.with([
                    "AWS_EC2_METADATA_DISABLED": nil, "AWS_EC2_METADATA_SERVICE_ENDPOINT": scene.server.url,
                ]).environment, clock: CredentialScene.clock, logger: log.logger)
            let found = try #require(try await provider.credentials())
            #expect(found.secretAccessKey == FakeCloud.secret)
            var dumped = ""
            dump(found, to: &dumped)
            dump(CredentialsFinding.found(found), to: &dumped)
            for text in ["\(found)", String(reflecting: found), dumped, "\(CredentialsFinding.found(found))"] + log.all {
                for secret in Self.secrets { #expect(!text.contains(secret), "\(text)") }
            }
        }
    }
}
