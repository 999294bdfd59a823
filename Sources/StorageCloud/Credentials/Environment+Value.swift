extension [String: String] {
    /// The value of a variable that is set to more than nothing.
    package func value(_ name: String) -> String? {
        guard let value = self[name], !value.isEmpty else { return nil }
        return value
    }
}
