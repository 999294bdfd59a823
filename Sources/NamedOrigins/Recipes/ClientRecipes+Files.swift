import MirrorCore

/// Files that clients name one by one.
extension ClientRecipes {
    static func huggingFace(_ place: RecipePlace) -> [ClientsCall.Recipe] {
        [ClientsCall.Recipe(client: "huggingface_hub", place: "shell", lines: "export HF_ENDPOINT=\(place.url)")]
    }

    static func gitLFS(_ place: RecipePlace) -> [ClientsCall.Recipe] {
        let lines = "git config lfs.url \(place.url)/OWNER/REPOSITORY.git/info/lfs"
        return [ClientsCall.Recipe(client: "git-lfs", place: "shell", lines: lines)]
    }

    static func files(_ place: RecipePlace) -> [ClientsCall.Recipe] {
        let origin = place.origin.authority + place.origin.path
        // A pattern is a regular expression for the whole URL without its scheme.
        let pattern = origin.reduce(into: "") { pattern, character in
            if !character.isLetter, !character.isNumber, !"/_-:%".contains(character) { pattern.append("\\") }
            pattern.append(character)
        }
        let original = place.origin.scheme == .https ? origin : "\(place.origin)"
        let bazel = """
            # Rules are tried in their order: the mirror, then the origin itself.
            rewrite \(pattern)(.*) \(place.url)/$1
            rewrite \(pattern)(.*) \(original)$1
            """
        return [
            ClientsCall.Recipe(client: "bazel", place: "the file of --downloader_config", lines: bazel),
            ClientsCall.Recipe(client: "curl", place: "shell", lines: "curl -fL -O \(place.url)/PATH"),
            ClientsCall.Recipe(client: "wget", place: "shell", lines: "wget \(place.url)/PATH"),
            ClientsCall.Recipe(client: "aria2c", place: "shell", lines: "aria2c -x 4 \(place.url)/PATH"),
        ]
    }
}
