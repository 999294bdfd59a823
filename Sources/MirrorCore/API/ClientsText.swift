/// The configuration of clients as text, shown by both the mirror and its command.
package enum ClientsText {
    package static let about = "With these lines, clients use this mirror in place of the origin."
    package static let none =
        "This mirror has no named origins, so there is nothing to configure; see origins.named in its configuration."

    package static func text(_ answer: ClientsCall.Answer) -> String {
        guard !answer.origins.isEmpty else { return none + "\n" }
        return answer.origins.map { origin in
            let recipes = origin.recipes.map { recipe in
                let lines = recipe.lines.split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? "" : "    \($0)" }
                return "\n\(recipe.client): \(recipe.place)\n\n\(lines.joined(separator: "\n"))\n"
            }
            return "\(origin.name): \(origin.origin)\n\(recipes.joined())"
        }.joined(separator: "\n")
    }
}
