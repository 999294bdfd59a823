import MirrorCore

/// Packages of systems, and images.
extension ClientRecipes {
    static func apt(_ place: RecipePlace) -> [ClientsCall.Recipe] {
        let lines = """
            # Suites, Components and Signed-By are those of the source that this one replaces.
            Types: deb
            URIs: \(place.url)/
            Suites: stable
            Components: main
            Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
            """
        return [ClientsCall.Recipe(client: "apt", place: "/etc/apt/sources.list.d/\(place.name).sources", lines: lines)]
    }

    static func conda(_ place: RecipePlace) -> [ClientsCall.Recipe] {
        let lines = "channel_alias: \(place.url)\nchannels:\n  - conda-forge"
        return [ClientsCall.Recipe(client: "conda, mamba", place: ".condarc", lines: lines)]
    }

    static func nix(_ place: RecipePlace) -> [ClientsCall.Recipe] {
        // The keys that sign the paths stay the same, and so does trusted-public-keys.
        [ClientsCall.Recipe(client: "nix", place: "nix.conf", lines: "substituters = \(place.url)")]
    }

    static func oci(_ place: RecipePlace) -> [ClientsCall.Recipe] {
        let authority = place.origin.authority
        // The name that images have is not the host that serves them.
        let registry = authority == "registry-1.docker.io" ? "docker.io" : authority
        let insecure = place.isPlainHTTP ? "\ninsecure = true" : ""
        let registries = """
            [[registry]]
            location = "\(registry)"

            [[registry.mirror]]
            location = "\(place.authorityAndPath)/o/\(place.name)"\(insecure)
            """
        let hosts = """
            server = "\(place.origin.scheme.rawValue)://\(authority)"

            [host."\(place.url)/v2"]
            capabilities = ["pull", "resolve"]
            override_path = true
            """
        return [
            ClientsCall.Recipe(client: "podman, skopeo, buildah, cri-o", place: "registries.conf", lines: registries),
            ClientsCall.Recipe(client: "containerd", place: "/etc/containerd/certs.d/\(registry)/hosts.toml", lines: hosts),
        ]
    }
}
