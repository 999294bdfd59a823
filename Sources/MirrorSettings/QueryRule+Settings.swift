package import MirrorCore

extension QueryRule {
    /// The rules that are written as a single word.
    private enum Word: String, Sendable, CaseIterable {
        case keep
        case dropSignatures = "drop-signatures"
        case drop
    }

    /// Reads a word, or the names of the parameters to keep.
    ///
    /// - Returns: `nil` after recording a problem.
    package static func read(_ element: SettingsElement) -> QueryRule? {
        guard !element.isList else { return readNames(element) }
        var kind = SettingKind<Word>.choice()
        kind.name += ", or a list of parameter names"
        return switch element.value(kind, instead: "leave the key out for the default") {
        case .keep: .keep
        case .dropSignatures: .dropSignatures
        case .drop: .drop
        case nil: nil
        }
    }

    private static func readNames(_ element: SettingsElement) -> QueryRule? {
        guard let elements = element.elements() else { return nil }
        guard !elements.isEmpty else {
            element.report("is empty; write drop if no part of the query belongs to the name")
            return nil
        }
        let names = elements.compactMap { $0.value(.parameterName, instead: "remove it") }
        return names.count == elements.count ? .only(QueryNames(names)) : nil
    }
}

extension SettingKind where Value == String {
    fileprivate static var parameterName: Self {
        SettingKind(
            name: "parameter name",
            parse: { (text, _) throws(InvalidValue) in
                guard !text.isEmpty else { throw InvalidValue("is empty") }
                guard !text.utf8.contains(where: "?&=;#".utf8.contains) else {
                    throw InvalidValue(
                        "is not a parameter name; write the part before the =, with ?, &, =, ; and # percent-encoded (= as %3D)")
                }
                return text
            }, text: { $0 })
    }
}
