import StorageCloud
import TestServers
import Testing

@testable import StorageAzure

/// Which credentials are used where there are several.
@Suite("The order of places", .timeLimit(.minutes(5)))
struct CredentialsOrderTests {
    enum Place: String, CaseIterable, Sendable, Codable {
        case connectionString, accountKey, sasToken, secret, certificate, workload, appService, machine

        /// What is found there.
        var text: String {
            let client = FakeEntra.client
            return switch self {
            case .connectionString: StoreFixture.account
            case .accountKey: StoreFixture.account
            case .sasToken: "sv=1&sig=s"
            case .secret: "SECRET.\(client)"
            case .certificate: "CERTIFICATE.\(client)"
            case .workload: "FEDERATED.\(client)"
            case .appService: "SERVICE.\(client)"
            case .machine: "MACHINE.\(client)"
            }
        }
    }

    /// A machine with credentials in just these places.
    private func scene(_ scene: CredentialScene, with places: Set<Place>) throws -> CredentialScene {
        var variables: [String: String?] = ["AZURE_CLIENT_ID": FakeEntra.client]
        var files: [String: String] = [:]
        if places.contains(.connectionString) {
            let key = GivenCredentials.key
            variables["AZURE_STORAGE_CONNECTION_STRING"] =
                "DefaultEndpointsProtocol=https;AccountName=testaccount;AccountKey=\(key);EndpointSuffix=core.windows.net"
        }
        if places.contains(.accountKey) { variables["AZURE_STORAGE_KEY"] = GivenCredentials.key }
        if places.contains(.sasToken) { variables["AZURE_STORAGE_SAS_TOKEN"] = "?sv=1&sig=s" }
        if !places.isDisjoint(with: [.secret, .certificate, .workload]) { variables["AZURE_TENANT_ID"] = FakeEntra.tenant }
        if places.contains(.secret) { variables["AZURE_CLIENT_SECRET"] = FakeEntra.secret }
        if places.contains(.certificate) {
            variables["AZURE_CLIENT_CERTIFICATE_PATH"] = "/certificate.pem"
            files["/certificate.pem"] = try TestCertificate.pem()
        }
        if places.contains(.workload) {
            variables["AZURE_FEDERATED_TOKEN_FILE"] = "/token"
            files["/token"] = "\(FakeEntra.federatedToken)\n"
        }
        if places.contains(.appService) {
            variables["IDENTITY_ENDPOINT"] = "\(scene.server.url)/msi/token"
            variables["IDENTITY_HEADER"] = FakeEntra.identityHeader
        }
        // Elsewhere there is no machine that answers.
        if !places.contains(.machine) { variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = "http://127.0.0.1:1" }
        return scene.with(variables, files: files)
    }

    @Test("The first place counts", arguments: Place.allCases)
    func order(_ first: Place) async throws {
        let places = Set(Place.allCases.drop { $0 != first })
        try await CredentialScene.run { plain async throws in
            #expect(try await scene(plain, with: places).found().text == first.text)
        }
    }

    @Test("Each place is found alone", arguments: Place.allCases)
    func alone(_ place: Place) async throws {
        try await CredentialScene.run { plain async throws in
            #expect(try await scene(plain, with: [place]).found().text == place.text)
        }
    }

    @Test("Who finds nothing is told where was looked, and what to do")
    func nothing() async throws {
        try await CredentialScene.run { plain async throws in
            let failure = try await scene(plain, with: []).failure()
            #expect(failure.code == .notFound)
            for word in [
                "AZURE_STORAGE_KEY", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT", "not a virtual machine",
                "credentials: anonymous",
            ] {
                #expect(failure.message.contains(word), "\(failure)")
            }
        }
    }

    @Test("What is set up and broken ends the search: nobody becomes somebody else")
    func broken() async throws {
        try await CredentialScene.run { plain async throws in
            let scene = try scene(plain, with: Set(Place.allCases))
            for (name, value, word) in [
                ("AZURE_STORAGE_CONNECTION_STRING", "AccountName=testaccount;AccountKey=???", "base64"),
                ("AZURE_STORAGE_CONNECTION_STRING", "AccountName", "NAME=VALUE"),
                ("AZURE_STORAGE_CONNECTION_STRING", "AccountName=testaccount", "neither an AccountKey"),
                ("AZURE_STORAGE_CONNECTION_STRING", "SharedAccessSignature=x", "SAS token"),
            ] {
                let failure = try await scene.with([name: value]).failure()
                #expect(failure.code == .invalid && failure.message.contains(word), "\(failure)")
            }
            let noConnection = scene.with(["AZURE_STORAGE_CONNECTION_STRING": nil])
            #expect(try await noConnection.with(["AZURE_STORAGE_KEY": "???"]).failure().code == .invalid)
            let application = noConnection.with(["AZURE_STORAGE_KEY": nil, "AZURE_STORAGE_SAS_TOKEN": nil])
            #expect(try await application.with(["AZURE_TENANT_ID": nil]).failure().message.contains("AZURE_TENANT_ID"))
            #expect(try await application.with(["AZURE_TENANT_ID": "a/../b"]).failure().code == .invalid)
            #expect(try await application.with(["AZURE_CLIENT_SECRET": "wrong"]).failure().code == .refused)
        }
    }

    @Test("The key of another account is passed over")
    func otherAccount() async throws {
        try await CredentialScene.run { plain async throws in
            let scene = try scene(plain, with: [.connectionString, .accountKey, .secret])
            let connection = "AccountName=another;AccountKey=\(GivenCredentials.key)"
            #expect(try await scene.with(["AZURE_STORAGE_CONNECTION_STRING": connection]).found().text == Place.secret.text)
            for (owner, found) in [("another", Place.secret.text), ("testaccount", "sv=1&sig=s")] {
                let addresses = ["Blob", "Queue"].map { "\($0)Endpoint=https://\(owner).\($0.lowercased()).core.windows.net/" }
                let signed = "\(addresses.joined(separator: ";"));SharedAccessSignature=sv=1&sig=s"
                #expect(try await scene.with(["AZURE_STORAGE_CONNECTION_STRING": signed]).found().text == found)
            }
            let other = scene.with(["AZURE_STORAGE_CONNECTION_STRING": nil, "AZURE_STORAGE_ACCOUNT": "another"])
            #expect(try await other.found().text == Place.secret.text)
            let own = scene.with(["AZURE_STORAGE_CONNECTION_STRING": nil, "AZURE_STORAGE_ACCOUNT": "testaccount"])
            #expect(try await own.found().text == StoreFixture.account)
            let signature = scene.with(["AZURE_STORAGE_CONNECTION_STRING": "BlobEndpoint=https://x;SharedAccessSignature=sv=1&sig=s%3D"])
            #expect(try await signature.found().text == "sv=1&sig=s%3D")
        }
    }
}
