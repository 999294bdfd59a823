import MirrorCore
import TestServers

/// What gives out tokens in Azure, at one address: Entra ID, the metadata service of virtual machines, App Service, the agent of Azure Arc.
///
/// Each refuses what the real one refuses. The token says who was asked, for whom, and by what.
enum FakeEntra {
    static let secret = "client~secret.value"
    static let federatedToken = "header.federated-token-secret.signature"
    static let identityHeader = "identity-header-secret"
    /// What the agent has written to its file.
    static let agentKey = "agent-key-secret"
    static let agentFile = "/var/opt/azcmagent/tokens/1-2.key"
    static let tenant = "11111111-2222-3333-4444-555555555555"
    static let client = "66666666-7777-8888-9999-000000000000"

    static let script: ScriptedServer.Script = { answer($0) }

    static func answer(_ request: ScriptedServer.Request) -> ScriptedServer.Answer {
        let path = String(request.uri.prefix { $0 != "?" })
        switch (request.method, path) {
        case ("POST", "/\(tenant)/oauth2/v2.0/token"):
            return token(request.form, request.form["scope"] == "https://storage.azure.com/.default")
        case ("POST", "/adfs/oauth2/token"):
            return token(request.form, request.form["resource"] == "https://storage.azure.com/")
        case ("GET", "/metadata/identity/oauth2/token"):
            guard request.header("metadata") == "true", query(request)["api-version"] == "2018-02-01" else { return .init(status: 400) }
            return managed("MACHINE", request)
        case ("GET", "/msi/token"):
            guard request.header("x-identity-header") == identityHeader else { return .init(status: 401, body: "no") }
            guard query(request)["api-version"] == "2019-08-01" else { return .init(status: 400) }
            return managed("SERVICE", request)
        case ("GET", "/arc/token"):
            guard request.header("metadata") == "true", query(request)["api-version"] == "2020-06-01" else { return .init(status: 400) }
            if request.header("authorization") == "Basic \(agentKey)" { return managed("ARC", request) }
            return .init(status: 401, headers: [("WWW-Authenticate", "Basic realm=\(agentFile)")])
        default: return .init(status: 404)
        }
    }

    static func document(_ token: String) -> String {
        "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"ext_expires_in\":3599,\"access_token\":\"\(token)\"}"
    }

    static func error(_ status: Int, _ code: String, _ words: String = "AADSTS1: No.\\r\\nTrace ID: 1") -> ScriptedServer.Answer {
        .init(status: status, body: "{\"error\":\"\(code)\",\"error_description\":\"\(words)\",\"error_codes\":[1],\"trace_id\":\"1\"}")
    }

    private static func token(_ form: [String: String], _ isForStorage: Bool) -> ScriptedServer.Answer {
        guard form["grant_type"] == "client_credentials", isForStorage, let client = form["client_id"] else {
            return error(400, "invalid_request")
        }
        if let given = form["client_secret"] {
            guard given == secret else { return error(401, "invalid_client", "AADSTS7000215: Invalid: \(given)") }
            return .init(body: document("SECRET.\(client)"))
        }
        guard form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            let assertion = form["client_assertion"]
        else { return error(401, "invalid_client") }
        return .init(body: document(assertion == federatedToken ? "FEDERATED.\(client)" : "CERTIFICATE.\(client)"))
    }

    /// `expires_on` and `expires_in` are texts there.
    private static func managed(_ who: String, _ request: ScriptedServer.Request) -> ScriptedServer.Answer {
        let query = query(request)
        guard query["resource"] == "https://storage.azure.com/" else { return .init(status: 400) }
        let token = "\(who).\(query["client_id"] ?? "system")"
        return .init(
            body: "{\"access_token\":\"\(token)\",\"expires_in\":\"86399\",\"expires_on\":\"4102444800\",\"token_type\":\"Bearer\"}")
    }

    private static func query(_ request: ScriptedServer.Request) -> [String: String] {
        var values: [String: String] = [:]
        for item in request.uri.drop(while: { $0 != "?" }).dropFirst().split(separator: "&") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            values[String(parts[0])] = parts.count == 2 ? PercentCoding.decode(parts[1]) : nil
        }
        return values
    }

    /// All that must not be seen.
    static let secrets = [secret, federatedToken, identityHeader, agentKey]
}
