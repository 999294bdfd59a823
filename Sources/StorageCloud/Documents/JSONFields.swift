import MirrorCore

/// The members of a JSON object about credentials that somebody else wrote. Nothing of their values gets into an error.
package struct JSONFields: Sendable {
    private let members: [String: JSONValue]
    /// Where the object stands, for messages.
    package let place: String

    /// - Parameter place: `the answer of https://sts.googleapis.com`
    /// - Throws: `.invalid` for what is not a JSON object.
    package init(_ bytes: [UInt8], of place: String) throws(CredentialsError) {
        guard case .object(let members)? = JSONValue(parsing: bytes) else {
            throw CredentialsError(.invalid, "\(place) is not a JSON object")
        }
        self.members = members
        self.place = place
    }

    private init(_ members: [String: JSONValue], of place: String) {
        self.members = members
        self.place = place
    }

    package func has(_ name: String) -> Bool { members[name] != nil && members[name] != .null }

    /// - Returns: `nil` for a member that is missing, null or empty.
    package func text(_ name: String) throws(CredentialsError) -> String? {
        switch members[name] ?? .null {
        case .null: return nil
        case .string(let text): return text.isEmpty ? nil : text
        case .bool, .integer, .number, .array, .object: throw wrong(name, "a text")
        }
    }

    package func requiredText(_ name: String) throws(CredentialsError) -> String {
        guard let text = try text(name) else { throw CredentialsError(.invalid, "\(place) has no \(name)") }
        return text
    }

    /// A secret that is sent in a header field or a form.
    ///
    /// - Throws: `.invalid` also for one with white space or control characters in it.
    package func requiredSecret(_ name: String) throws(CredentialsError) -> String {
        let text = try requiredText(name)
        guard Self.isToken(text) else {
            throw CredentialsError(
                .invalid, "\(name) of \(place) contains white space, a line break or another character that cannot belong there")
        }
        return text
    }

    /// A whole number, also one that is written as a text or with a fraction of nothing.
    package func number(_ name: String) throws(CredentialsError) -> Int64? {
        switch members[name] ?? .null {
        case .null: return nil
        case .integer(let number): return number
        case .number(let number):
            guard let whole = Int64(exactly: number.rounded(.towardZero)) else { throw wrong(name, "a number") }
            return whole
        case .string(let text):
            guard let number = Int64(digits: text) else { throw wrong(name, "a number") }
            return number
        case .bool, .array, .object: throw wrong(name, "a number")
        }
    }

    package func flag(_ name: String) throws(CredentialsError) -> Bool? {
        switch members[name] ?? .null {
        case .null: return nil
        case .bool(let value): return value
        case .integer, .number, .string, .array, .object: throw wrong(name, "true or false")
        }
    }

    package func object(_ name: String) throws(CredentialsError) -> JSONFields? {
        switch members[name] ?? .null {
        case .null: return nil
        case .object(let members): return JSONFields(members, of: "\(name) of \(place)")
        case .bool, .integer, .number, .string, .array: throw wrong(name, "an object")
        }
    }

    /// A list of texts; empty where there is none.
    package func texts(_ name: String) throws(CredentialsError) -> [String] {
        switch members[name] ?? .null {
        case .null: return []
        case .array(let values):
            let texts = values.compactMap(\.string)
            guard texts.count == values.count else { throw wrong(name, "a list of texts") }
            return texts
        case .bool, .integer, .number, .string, .object: throw wrong(name, "a list of texts")
        }
    }

    /// An object whose members are texts; empty where there is none.
    package func map(_ name: String) throws(CredentialsError) -> [(name: String, value: String)] {
        guard let object = try object(name) else { return [] }
        var map: [(name: String, value: String)] = []
        for key in object.members.keys.sorted() { map.append((key, try object.requiredText(key))) }
        return map
    }

    private func wrong(_ name: String, _ kind: String) -> CredentialsError {
        CredentialsError(.invalid, "\(name) of \(place) is not \(kind)")
    }

    /// Whether a text can be sent as a token: printable ASCII without spaces, and not endless.
    package static func isToken(_ text: String) -> Bool {
        (1...65_536).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}
