import MirrorCore
import StorageCloud
import TestServers

@testable import StorageGCS

/// What gives out tokens in Google's cloud, at one address: OAuth, the Security Token Service, IAM, the metadata server, and a service that Google trusts.
///
/// Each refuses what the real one refuses. The token says who was asked, for what, and with whose.
enum FakeGoogle {
    static let refreshToken = "1//the-refresh-secret"
    static let clientSecret = "the-client-secret"
    static let subjectToken = "the.subject.secret"
    static let scope = "https://www.googleapis.com/auth/cloud-platform"

    /// All that must not be seen.
    static let secrets = [refreshToken, clientSecret, subjectToken, "PRIVATE KEY"]

    static let script: ScriptedServer.Script = answer

    @Sendable static func answer(_ request: ScriptedServer.Request) -> ScriptedServer.Answer {
        let impersonation = /\/v1\/projects\/-\/serviceAccounts\/([^\/:]+):generateAccessToken/
        switch (request.method, request.uri.prefix { $0 != "?" }) {
        case ("POST", "/token"): return oauth(request)
        case ("POST", "/v1/token"): return exchange(request)
        case ("GET", "/subject"):
            guard request.header("x-secret") == clientSecret else { return .init(status: 403, body: "no") }
            return .init(body: #"{"value": "\#(subjectToken)"}"#)
        case ("GET", let path) where path.hasPrefix("/computeMetadata/v1/instance/service-accounts/default/"): return metadata(request)
        case ("POST", let path):
            guard let account = path.wholeMatch(of: impersonation)?.1,
                let bearer = request.header("authorization")?.dropFirst("Bearer ".count)
            else { return .init(status: 404) }
            if account == "forbidden" {
                return .init(
                    status: 403, body: #"{"error": {"code": 403, "message": "Permission denied on it.", "status": "PERMISSION_DENIED"}}"#)
            }
            return .init(body: #"{"accessToken": "\#(account).\#(bearer)", "expireTime": "2099-01-01T00:00:00Z"}"#)
        default: return .init(status: 404)
        }
    }

    static func token(_ token: String, life: String = "3599") -> ScriptedServer.Answer {
        .init(body: #"{"access_token": "\#(token)", "expires_in": \#(life), "token_type": "Bearer"}"#)
    }

    static func refusal(_ code: String, _ description: String = "", status: Int = 400) -> ScriptedServer.Answer {
        .init(status: status, body: #"{"error": "\#(code)", "error_description": "\#(description)"}"#)
    }

    private static func oauth(_ request: ScriptedServer.Request) -> ScriptedServer.Answer {
        let form = request.form
        switch form["grant_type"] {
        case "urn:ietf:params:oauth:grant-type:jwt-bearer":
            guard form["assertion"]?.split(separator: ".").count == 3 else { return refusal("invalid_grant", "no assertion") }
            return token("SERVICE")
        case "refresh_token":
            guard form["refresh_token"] == refreshToken, form["client_secret"] == clientSecret, form["client_id"] == "id" else {
                return refusal("invalid_grant", "Bad Request: \(form["refresh_token"] ?? "")")
            }
            return token("USER")
        default: return refusal("unsupported_grant_type")
        }
    }

    private static func exchange(_ request: ScriptedServer.Request) -> ScriptedServer.Answer {
        let form = request.form
        guard form["grant_type"] == "urn:ietf:params:oauth:grant-type:token-exchange", form["audience"] == "//iam.googleapis.com/x",
            form["requested_token_type"] == "urn:ietf:params:oauth:token-type:access_token", form["scope"] == scope,
            let type = form["subject_token_type"]?.split(separator: ":").last
        else { return refusal("invalid_request", "something is missing") }
        guard form["subject_token"] == subjectToken || type == "aws4_request" else {
            return refusal("invalid_grant", "no such token: \(form["subject_token"] ?? "")")
        }
        return token("FEDERATED.\(type)")
    }

    private static func metadata(_ request: ScriptedServer.Request) -> ScriptedServer.Answer {
        guard request.header("metadata-flavor") == "Google" else { return .init(status: 403) }
        let isToken = request.uri.contains("/default/token?scopes=")
        return .init(
            headers: [("Metadata-Flavor", "Google")],
            body: isToken ? token("METADATA").body : "machine@project.iam.gserviceaccount.com")
    }

    // MARK: Documents

    static func serviceAccount(_ scene: CredentialScene) throws -> JSONValue {
        var members = try SigningVectors.account()
        members["token_uri"] = .string("\(scene.server.url)/token")
        return .object(members)
    }

    static func user(_ scene: CredentialScene) -> JSONValue {
        .object([
            "type": .string("authorized_user"), "client_id": .string("id"), "client_secret": .string(clientSecret),
            "refresh_token": .string(refreshToken), "token_uri": .string("\(scene.server.url)/token"),
        ])
    }

    /// - Parameter source: Where the token is that is exchanged.
    static func external(_ scene: CredentialScene, _ source: [String: JSONValue]) -> JSONValue {
        .object([
            "type": .string("external_account"), "audience": .string("//iam.googleapis.com/x"),
            "subject_token_type": .string("urn:ietf:params:oauth:token-type:jwt"), "token_url": .string("\(scene.server.url)/v1/token"),
            "credential_source": .object(source),
        ])
    }

    static func impersonated(_ scene: CredentialScene, _ source: JSONValue, as account: String = "other@p") -> JSONValue {
        .object([
            "type": .string("impersonated_service_account"), "source_credentials": source,
            "service_account_impersonation_url": .string(address(scene, account)),
        ])
    }

    static func address(_ scene: CredentialScene, _ account: String) -> String {
        "\(scene.server.url)/v1/projects/-/serviceAccounts/\(account):generateAccessToken"
    }
}

extension JSONValue {
    /// The same object with another member; without it where that is `nil`.
    func with(_ name: String, _ value: JSONValue?) -> JSONValue {
        var copy = self
        copy[name] = value
        return copy
    }
}
