import Foundation
import MirrorCore
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

/// Which credentials are used where there are several, told by their token.
@Suite("Where credentials are looked for", .timeLimit(.minutes(5)))
struct CredentialsOrderTests {
    enum Place: String, CaseIterable, Sendable, Codable {
        case environment, wellKnown, metadata

        /// The token that is found there.
        var token: String {
            switch self {
            case .environment: "SERVICE"
            case .wellKnown: "USER"
            case .metadata: "METADATA"
            }
        }
    }

    private static let wellKnown = ".config/gcloud/application_default_credentials.json"

    private static func text(_ document: JSONValue) -> String { String(decoding: document.encoded, as: UTF8.self) }

    /// A machine with credentials in just these places.
    private static func scene(_ scene: CredentialScene, with places: Set<Place>) throws -> CredentialScene {
        var variables: [String: String?] = [
            "GCE_METADATA_HOST": String(scene.server.url.dropFirst("http://".count)),
            "NO_GCE_CHECK": places.contains(.metadata) ? nil : "true",
        ]
        if places.contains(.environment) {
            variables["GOOGLE_APPLICATION_CREDENTIALS"] = try scene.write("key.json", text(try FakeGoogle.serviceAccount(scene)))
        }
        if places.contains(.wellKnown) { try scene.write(wellKnown, text(FakeGoogle.user(scene))) }
        return scene.with(variables)
    }

    @Test("The first place in the order of Google's tools counts", arguments: Place.allCases)
    func first(_ first: Place) async throws {
        let places = Set(Place.allCases.drop { $0 != first })
        let token = try await CredentialScene.run { try await Self.scene($0, with: places).chain().load().token }
        #expect(token == first.token)
    }

    @Test("Each place is found alone", arguments: Place.allCases)
    func alone(_ place: Place) async throws {
        let token = try await CredentialScene.run { try await Self.scene($0, with: [place]).chain().load().token }
        #expect(token == place.token)
    }

    @Test("A file of the configuration counts more than all places, and nothing else is looked for then")
    func configured() async throws {
        try await CredentialScene.run { scene async throws in
            let scene = try Self.scene(scene, with: Set(Place.allCases))
            let file = try scene.write("mine.json", Self.text(FakeGoogle.impersonated(scene, FakeGoogle.user(scene))))
            #expect(try await scene.chain(file: file).load().token == "other@p.USER")
            let failure = try await CredentialScene.failure { try await scene.chain(file: "\(scene.home.path)/none").load() }
            #expect(failure.code == .invalid && failure.message.contains("none does not exist"), "\(failure)")
        }
    }

    @Test("gcloud's directory may be elsewhere")
    func elsewhere() async throws {
        try await CredentialScene.run { scene async throws in
            try scene.home.makeDirectory("other")
            try scene.write("other/application_default_credentials.json", Self.text(FakeGoogle.user(scene)))
            #expect(try await scene.with(["CLOUDSDK_CONFIG": "\(scene.home.path)/other"]).chain().load().token == "USER")
        }
    }

    @Test("A file that a variable names must be there and hold an account; the one of gcloud may be missing")
    func named() async throws {
        try await CredentialScene.run { scene async throws in
            let scene = try Self.scene(scene, with: [.wellKnown, .metadata])
            let missing = try await CredentialScene.failure {
                try await scene.with(["GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/key.json"]).chain().load()
            }
            #expect(missing.code == .invalid && missing.message.contains("/nowhere/key.json does not exist"), "\(missing)")
            // A directory is what cannot be read whoever runs the tests.
            let unreadable = try await CredentialScene.failure {
                try await scene.with(["GOOGLE_APPLICATION_CREDENTIALS": scene.home.path]).chain().load()
            }
            #expect(unreadable.code == .invalid && unreadable.message.contains("cannot be read"), "\(unreadable)")
            try scene.write(Self.wellKnown, "nonsense")
            let broken = try await CredentialScene.failure { try await scene.chain().load() }
            #expect(broken.code == .invalid && broken.message.contains("is not a JSON object"), "\(broken)")
        }
    }

    @Test("When there are none, every place is named with its reason")
    func none() async throws {
        try await CredentialScene.run { scene async throws in
            let failure = try await CredentialScene.failure { try await scene.chain().load() }
            #expect(failure.code == .notFound)
            for text in [
                "GOOGLE_APPLICATION_CREDENTIALS is not set", "there is no such file in \(scene.home.path)/.config/gcloud",
                "metadata server: NO_GCE_CHECK is true", "credentials: anonymous",
            ] {
                #expect(failure.message.contains(text), "\(failure)")
            }
            let homeless = try await CredentialScene.failure { try await scene.with(["HOME": nil]).chain().load() }
            #expect(homeless.message.contains("HOME is not set"), "\(homeless)")
        }
    }

    @Test("The place that had credentials is asked alone from then on")
    func chosen() async throws {
        try await CredentialScene.run { scene async throws in
            let scene = try Self.scene(scene, with: [.wellKnown, .metadata])
            let chain = scene.chain()
            #expect(try await chain.load().token == "USER")
            try scene.home.remove(Self.wellKnown)
            let failure = try await CredentialScene.failure { try await chain.load() }
            #expect(failure.code == .unavailable && failure.message.contains("had credentials before"), "\(failure)")
            #expect(scene.server.requests.map(\.uri) == ["/token"])
        }
    }

    @Test("Credentials are kept until they end, and asked for again when they are refused")
    func refreshed() async throws {
        try await CredentialScene.run { scene async throws in
            let file = try scene.write("key.json", Self.text(FakeGoogle.user(scene)))
            let provider = GCSCredentialsChain.standard(
                client: scene.client, endpoint: scene.endpoint, file: file, impersonated: "account@p", environment: scene.environment,
                clock: scene.clock, logger: StoreFixture.logger)
            let first = try #require(try await provider.credentials())
            #expect(first.token == "account@p.USER")
            #expect(try await provider.credentials() == first)
            #expect(scene.server.requests.count == 2)
            await provider.shutdown()
            await #expect(throws: CredentialsError.self) { try await provider.credentials() }
        }
    }
}
