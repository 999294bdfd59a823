import Foundation
import TestServers

/// What gives out credentials in a cloud, at one address: instance metadata of version 2, a container's agent, STS.
///
/// Each refuses what the real one refuses. The access key's ID says who was asked, for what, and with whose credentials.
enum FakeCloud {
    static let expiration = "2099-01-01T00:00:00Z"
    static let metadataToken = "metadata-token-secret"
    static let agentToken = "agent-token-secret"
    static let identityToken = "identity.token-secret"
    static let secret = "the+secret/access=key"
    static let sessionToken = "the-session-token-secret"

    static let script: ScriptedServer.Script = answer

    @Sendable static func answer(_ request: ScriptedServer.Request) -> ScriptedServer.Answer {
        switch (request.method, request.uri) {
        case ("PUT", "/latest/api/token"):
            guard request.header("x-aws-ec2-metadata-token-ttl-seconds") == "21600" else { return .init(status: 400) }
            return .init(body: metadataToken)
        case ("GET", "/latest/meta-data/iam/security-credentials/"):
            return isTokenRight(request) ? .init(body: "instance-role") : .init(status: 401)
        case ("GET", "/latest/meta-data/iam/security-credentials/instance-role"):
            return isTokenRight(request)
                ? .init(body: document("INSTANCE", #""Code": "Success", "LastUpdated": "2026-01-01T00:00:00Z", "Type": "AWS-HMAC","#))
                : .init(status: 401)
        case ("GET", "/agent"):
            guard request.header("authorization") == agentToken else { return .init(status: 403, body: "no") }
            return .init(body: document("CONTAINER", ""))
        case ("POST", "/"): return tokenService(request)
        default: return .init(status: 404)
        }
    }

    static func document(_ id: String, _ more: String) -> String {
        """
        {\(more) "AccessKeyId": "\(id)", "SecretAccessKey": "\(secret)", "Token": "\(sessionToken)", "Expiration": "\(expiration)"}
        """
    }

    /// For AssumeRole `ROLE.name.ID`, with the ID of the key that signed; for a web identity `WEB.name`.
    private static func tokenService(_ request: ScriptedServer.Request) -> ScriptedServer.Answer {
        let form = request.form
        let authorization = request.header("authorization")
        guard form["Version"] == "2011-06-15", let role = form["RoleArn"]?.split(separator: "/").last, form["RoleSessionName"] != nil else {
            return error("ValidationError", "something is missing")
        }
        switch form["Action"] {
        case "AssumeRole":
            guard let key = authorization?.firstMatch(of: /Credential=([^\/]+)\/\d{8}\/([^\/]+)\/sts\/aws4_request/) else {
                return error("MissingAuthenticationToken", "not signed")
            }
            if role == "forbidden" {
                return error("AccessDenied", "User: arn:aws:iam::1:user/u is not authorized to perform: sts:AssumeRole")
            }
            return credentials("AssumeRole", "ROLE.\(role).\(key.1)")
        case "AssumeRoleWithWebIdentity":
            guard authorization == nil else { return error("InvalidAction", "signed") }
            guard form["WebIdentityToken"] == identityToken else {
                return error("InvalidIdentityToken", "no such token: \(form["WebIdentityToken"] ?? "")")
            }
            return credentials("AssumeRoleWithWebIdentity", "WEB.\(role)")
        default: return error("InvalidAction", "unknown")
        }
    }

    static func credentials(_ action: String, _ id: String) -> ScriptedServer.Answer {
        .init(
            body: """
                <?xml version="1.0"?>
                <\(action)Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
                  <\(action)Result>
                    <AssumedRoleUser><Arn>arn</Arn><AssumedRoleId>id</AssumedRoleId></AssumedRoleUser>
                    <Credentials>
                      <AccessKeyId>\(id)</AccessKeyId>
                      <SecretAccessKey>\(secret)</SecretAccessKey>
                      <SessionToken>\(sessionToken)</SessionToken>
                      <Expiration>\(expiration)</Expiration>
                    </Credentials>
                  </\(action)Result>
                  <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>
                </\(action)Response>
                """)
    }

    static func error(_ code: String, _ message: String, status: Int = 403) -> ScriptedServer.Answer {
        .init(
            status: status,
            body: """
                <ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
                  <Error><Type>Sender</Type><Code>\(code)</Code><Message>\(message)</Message></Error><RequestId>1</RequestId>
                </ErrorResponse>
                """)
    }

    private static func isTokenRight(_ request: ScriptedServer.Request) -> Bool {
        request.header("x-aws-ec2-metadata-token") == metadataToken
    }

    /// All that must not be seen.
    static let secrets = [secret, sessionToken, metadataToken, agentToken, identityToken]
}
