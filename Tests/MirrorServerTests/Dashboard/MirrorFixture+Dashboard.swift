import MirrorCore

@testable import MirrorServer

extension MirrorFixture {
    /// Sends a form as a browser does.
    func post(
        _ target: String, _ form: [(String, String)], cookie: String? = nil, _ fields: [(String, String)] = [], port: Int? = nil
    ) async throws -> RawResponse {
        let body = form.map { "\($0)=\(PercentCoding.encode($1))" }.joined(separator: "&")
        let all = [("Content-Type", "application/x-www-form-urlencoded")] + (cookie.map { [("Cookie", $0)] } ?? []) + fields
        return try await RawConnection.run(port: port ?? self.port) { try await $0.request("POST", target, all, body: body) }
    }

    /// Logs in.
    ///
    /// - Returns: The cookie.
    func logIn(_ token: String = MirrorFixture.token) async throws -> String {
        let response = try await post("/dashboard/login", [("token", token)])
        guard response.status == 303, let cookie = response["Set-Cookie"]?.split(separator: ";").first else {
            throw Missing(what: "a session: \(response.status)")
        }
        return String(cookie)
    }

    /// What the forms of a session's pages contain.
    func formKey(_ cookie: String) async throws -> String {
        let page = try await get("/dashboard/replicas", [("Cookie", cookie)]).text
        return String(try require(page.split(separator: #"name="form" value=""#).last?.split(separator: "\"").first))
    }
}
