import Foundation
import StorageCloud
import TestServers
import Testing

@testable import StorageS3

/// Which credentials are used where there are several, told by their key's ID.
struct CredentialsOrderTests {
    /// Files and variables, each a place where credentials are; the case's name says which it is.
    enum Place: String, CaseIterable, Sendable, Codable {
        case environment, role, webIdentity, credentialsFile, process, configFile, container, instance

        /// The ID of the key that is found there.
        var keyID: String {
            switch self {
            case .environment: "ENVIRONMENT"
            case .role: "ROLE.assumed.BASE"
            case .webIdentity: "WEB.web"
            case .credentialsFile: "CREDENTIALSFILE"
            case .process: "PROCESS"
            case .configFile: "CONFIGFILE"
            case .container: "CONTAINER"
            case .instance: "INSTANCE"
            }
        }
    }

    /// A machine with credentials in just these places.
    static func scene(_ scene: CredentialScene, with places: Set<Place>) throws -> CredentialScene {
        var config = "[profile base]\naws_access_key_id = BASE\naws_secret_access_key = s\n[default]\nregion = eu-north-1\n"
        var credentials = "[other]\naws_access_key_id = OTHER\naws_secret_access_key = s\n"
        var variables: [String: String?] = [
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": scene.server.url,
            "AWS_EC2_METADATA_DISABLED": places.contains(.instance) ? nil : "true",
        ]
        if places.contains(.environment) {
            variables["AWS_ACCESS_KEY_ID"] = "ENVIRONMENT"
            variables["AWS_SECRET_ACCESS_KEY"] = "s"
        }
        if places.contains(.role) { config += "role_arn = arn:aws:iam::1:role/assumed\nsource_profile = base\n" }
        if places.contains(.webIdentity) {
            variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = try scene.write("token", FakeCloud.identityToken)
            variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/web"
        }
        if places.contains(.credentialsFile) {
            credentials += "[default]\naws_access_key_id = CREDENTIALSFILE\naws_secret_access_key = s\n"
        }
        if places.contains(.process) {
            let answer = try scene.write("answer", #"{"Version": 1, "AccessKeyId": "PROCESS", "SecretAccessKey": "s"}"#)
            config += "credential_process = /bin/cat '\(answer)'\n"
        }
        if places.contains(.configFile) { config += "aws_access_key_id = CONFIGFILE\naws_secret_access_key = s\n" }
        if places.contains(.container) {
            variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "\(scene.server.url)/agent"
            variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = FakeCloud.agentToken
        }
        try scene.config(config)
        try scene.credentials(credentials)
        return scene.with(variables)
    }

    @Test(arguments: Place.allCases) func `the first place in the order of the AWS CLI counts`(_ first: Place) async throws {
        let places = Set(Place.allCases.drop { $0 != first })
        let found = try await CredentialScene.run { try await Self.scene($0, with: places).keyID() }
        #expect(found == first.keyID)
    }

    @Test(arguments: Place.allCases) func `each place is found alone`(_ place: Place) async throws {
        let found = try await CredentialScene.run { try await Self.scene($0, with: [place]).keyID() }
        #expect(found == place.keyID)
    }

    @Test func `a profile that the configuration names counts more than the environment`() async throws {
        try await CredentialScene.run { scene async throws in
            let scene = try Self.scene(scene, with: Set(Place.allCases)).with(["AWS_PROFILE": "base"])
            #expect(try await scene.keyID(profile: "other") == "OTHER")
            // And one that a variable names does not.
            #expect(try await scene.keyID() == "ENVIRONMENT")
        }
    }

    @Test(arguments: [
        (["AWS_PROFILE": "base"], "BASE"), (["AWS_DEFAULT_PROFILE": "other"], "OTHER"),
        (["AWS_PROFILE": "base", "AWS_DEFAULT_PROFILE": "other"], "BASE"), (["AWS_PROFILE": ""], "CONFIGFILE"),
    ]) func `variables name the profile`(_ variables: [String: String], _ keyID: String) async throws {
        try await CredentialScene.run { scene async throws in
            #expect(try await Self.scene(scene, with: [.configFile]).with(variables.mapValues { $0 }).keyID() == keyID)
        }
    }

    @Test func `other files are read where variables name them`() async throws {
        try await CredentialScene.run { scene async throws in
            try scene.config("[default]\naws_access_key_id = WRONG\naws_secret_access_key = s\n")
            try scene.write("mine", "[default]\naws_access_key_id = MINE\naws_secret_access_key = s\n")
            #expect(try await scene.with(["AWS_SHARED_CREDENTIALS_FILE": "~/mine", "AWS_CONFIG_FILE": "/dev/null"]).keyID() == "MINE")
            let failure = try await scene.with(["AWS_CONFIG_FILE": "/dev/null"]).failure()
            #expect(failure.code == .notFound)
            // A directory is what cannot be read whoever runs the tests.
            let unreadable = try await scene.with(["AWS_CONFIG_FILE": scene.home.path]).failure()
            #expect(unreadable.code == .invalid && unreadable.message.contains("AWS_CONFIG_FILE"), "\(unreadable)")
        }
    }

    @Test func `a default file that cannot be read is one more place without credentials`() async throws {
        try await CredentialScene.run { scene async throws in
            try scene.home.makeDirectory(".aws/config")
            let failure = try await scene.failure()
            #expect(failure.code == .notFound && failure.message.contains(".aws/config cannot be read"), "\(failure)")
        }
    }

    @Test func `a key is never used with the token of another file`() async throws {
        try await CredentialScene.run { scene async throws in
            try scene.config("[default]\naws_access_key_id = A\naws_secret_access_key = a\naws_session_token = of-the-config\n")
            try scene.credentials("[default]\naws_access_key_id = B\naws_secret_access_key = b\n")
            let found = try await scene.chain().load()
            #expect(found == S3Credentials(accessKeyID: "B", secretAccessKey: "b"))
        }
    }

    @Test func `when there are none, every place is named with its reason`() async throws {
        try await CredentialScene.run { scene async throws in
            let failure = try await scene.failure()
            #expect(failure.code == .notFound)
            for text in [
                "environment: AWS_ACCESS_KEY_ID is not set", "\(scene.home.path)/.aws/config does not exist",
                "\(scene.home.path)/.aws/credentials does not exist", "web identity: neither AWS_WEB_IDENTITY_TOKEN_FILE",
                "container: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "instance metadata: AWS_EC2_METADATA_DISABLED is true",
                "credentials: anonymous",
            ] {
                #expect(failure.message.contains(text), "\(failure)")
            }
            let homeless = try await scene.with(["HOME": nil]).failure()
            #expect(homeless.message.contains("neither AWS_CONFIG_FILE nor HOME is set"), "\(homeless)")
        }
    }

    @Test func `the place that had credentials is asked alone from then on`() async throws {
        try await CredentialScene.run { scene async throws in
            let scene = try Self.scene(scene, with: [.credentialsFile, .instance])
            let chain = scene.chain()
            #expect(try await chain.load().accessKeyID == "CREDENTIALSFILE")
            try scene.credentials("[default]\naws_access_key_id = NEWER\naws_secret_access_key = s\n")
            #expect(try await chain.load().accessKeyID == "NEWER")
            // The file is being written, say: this must not make an instance's role of us.
            try scene.credentials("")
            let error = await #expect(throws: CredentialsError.self) { try await chain.load() }
            #expect(
                error?.code == .unavailable && error?.message.contains("had credentials before") == true, "\(String(describing: error))")
            #expect(scene.server.requests.isEmpty)
        }
    }
}
