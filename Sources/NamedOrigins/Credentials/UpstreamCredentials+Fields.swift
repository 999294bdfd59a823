import MirrorSettings

extension UpstreamCredentials {
    /// What each request carries.
    ///
    /// - Parameter client: The client's own `Authorization`.
    func fields(client: Secret?) -> [(name: String, value: String)] {
        if case .client = self { return client.map { [("Authorization", $0.value)] } ?? [] }
        return requestField.map { [$0] } ?? []
    }
}
