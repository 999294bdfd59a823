import StorageCloud
import Testing

@testable import StorageS3

struct ProfileProcessTests {
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
        ] as [(String, CredentialsError.Code?)]) func `the answer of a profile's process is read strictly`(
            _ document: String, _ code: CredentialsError.Code?
        )
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
