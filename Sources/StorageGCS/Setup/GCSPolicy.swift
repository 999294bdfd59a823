import MirrorCore

/// A bucket's IAM policy: existing bindings, and ours.
struct GCSPolicy: Sendable, Equatable {
    /// As the service wrote it, with the entity tag that a change has to name.
    private(set) var json: JSONValue

    init(_ json: JSONValue) {
        self.json = json
    }

    /// Allows reading objects but not listing them, as for anyone who has a public URL.
    static let readerRole = "roles/storage.legacyObjectReader"
    private static let everybody = "allUsers"
    /// Roles with which everybody may read, too.
    private static let readingRoles: Set<String> = [
        readerRole, "roles/storage.objectViewer", "roles/storage.objectUser", "roles/storage.objectAdmin",
        "roles/storage.legacyObjectOwner", "roles/storage.admin",
    ]

    private var bindings: [JSONValue] {
        if case .array(let bindings) = json["bindings"] { bindings } else { [] }
    }

    /// Whether everybody may read all objects, without a condition.
    var letsEverybodyRead: Bool {
        bindings.contains { $0.has(Self.everybody) && $0["condition"] == nil && Self.readingRoles.contains($0.role) }
    }

    /// Whether there is the binding that ``addingEverybody()`` makes.
    var hasEverybody: Bool { bindings.contains { Self.isOurs($0) && $0.has(Self.everybody) } }

    private static func isOurs(_ binding: JSONValue) -> Bool { binding.role == readerRole && binding["condition"] == nil }

    /// Roles of everybody, or of everybody with an account, besides the one of ours.
    var otherPublicRoles: [String] {
        bindings.filter { binding in
            binding.has("allAuthenticatedUsers") || binding.has(Self.everybody) && !Self.isOurs(binding)
        }.map(\.role)
    }

    /// The policy with everybody allowed to read objects, otherwise unchanged.
    func addingEverybody() -> GCSPolicy {
        var bindings = bindings
        if let place = bindings.firstIndex(where: Self.isOurs) {
            bindings[place] = bindings[place].with(members: bindings[place].members + [Self.everybody])
        } else {
            bindings.append(JSONValue.object(["role": .string(Self.readerRole)]).with(members: [Self.everybody]))
        }
        return with(bindings)
    }

    func removingEverybody() -> GCSPolicy {
        let bindings = bindings.compactMap { binding -> JSONValue? in
            guard Self.isOurs(binding) else { return binding }
            let members = binding.members.filter { $0 != Self.everybody }
            return members.isEmpty ? nil : binding.with(members: members)
        }
        return with(bindings)
    }

    private func with(_ bindings: [JSONValue]) -> GCSPolicy {
        var policy = self
        policy.json["bindings"] = .array(bindings)
        return policy
    }
}

extension JSONValue {
    fileprivate var role: String { self["role"]?.string ?? "" }

    fileprivate var members: [String] {
        if case .array(let members) = self["members"] { members.compactMap(\.string) } else { [] }
    }

    fileprivate func has(_ member: String) -> Bool { members.contains(member) }

    fileprivate func with(members: [String]) -> JSONValue {
        var binding = self
        binding["members"] = .array(members.map { .string($0) })
        return binding
    }
}
