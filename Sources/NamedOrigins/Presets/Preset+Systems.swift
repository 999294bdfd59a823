import MirrorCore

/// Packages of systems, images, models and sources.
extension Preset {
    /// https://wiki.debian.org/DebianRepository/Format
    ///
    /// The index files of one release belong together and are signed. Below `by-hash` they never change.
    static let aptRules: [OriginRule] = [
        .page("**/{InRelease,Release,Release.gpg}", life: seconds),
        .mirrored("**/by-hash/SHA256/{digest:hex64}", digest: .path(.sha256)),
        .mirrored("**/by-hash/SHA512/{digest:hex128}", digest: .path(.sha512)),
        .mirrored("**/pool/**", html: true),
        .mirrored("**/*.{deb,udeb}"),
        .page("**/dists/**", life: seconds),
        .page("**/{Packages,Sources}", life: seconds),
        .page("**/{Packages.*,Sources.*,Contents-*,Translation-*}", life: seconds),
    ]

    /// https://github.com/opencontainers/distribution-spec/blob/main/spec.md
    ///
    /// containerd sends `ns` to mirrors; it is not part of a name.
    static let ociRules: [OriginRule] = [
        OriginRule(
            preset: "/v2/**/blobs/sha256:{digest:hex64}", .mirrored, query: .drop, digest: .path(.sha256), refusesHTML: true),
        OriginRule(
            preset: "/v2/**/manifests/sha256:{digest:hex64}", .mirrored, inlineLimit: small, query: .drop, digest: .path(.sha256),
            refusesHTML: true, accept: (manifests + ["*/*"]).joined(separator: ", ")),
        .page("/v2/**/manifests/{tag}", life: seconds, query: .drop, types: manifests),
        .page("/v2/**/tags/list", .fields, life: seconds),
        .page("/v2/**/referrers/*", .fields, life: seconds),
        .page("/v2/"),
    ]

    /// Some registries refuse a manifest if its kind is not in `Accept`, or choose another one under the same tag.
    private static let manifests = [
        "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.docker.distribution.manifest.v2+json",
    ]

    /// https://conda.org/learn/ceps/cep-0016 (shards), cep-0015 (`base_url`)
    ///
    /// Packages are found relative to the channel, so nothing has to be rewritten unless `base_url` says otherwise.
    static let condaRules: [OriginRule] = [
        .mirrored("**/shards/{digest:hex64}.msgpack.zst", inline: small, digest: .path(.sha256)),
        .page("**/repodata_shards.msgpack.zst"),
        .page("**/{repodata,current_repodata}.json", .condaRepodata),
        .page("**/{repodata,current_repodata}*.json{,.zst,.bz2}"),
        .page("**/channeldata.json"),
        .mirrored("**/*.{conda,tar.bz2}"),
    ]

    /// https://github.com/huggingface/huggingface_hub, `file_download.py`
    ///
    /// A file of a commit never changes, and its header fields say which file it is.
    static let huggingfaceRules: [OriginRule] = [
        // Whoever has such a token can write with the credentials that it was requested with. The hub may not tell capital letters from small ones.
        .refused("**/{x,X}{e,E}{t,T}-{w,W}{r,R}{i,I}{t,T}{e,E}-{t,T}{o,O}{k,K}{e,E}{n,N}/**"),
        .mirrored("**/resolve/{commit:hex40}/**", query: .drop, digest: .field("X-Linked-ETag"), html: true),
        OriginRule(
            preset: "**/resolve/{branch}/**", .revalidated, life: seconds, query: .keep,
            commit: CommitPlace(field: "X-Repo-Commit", segment: "resolve")),
        .passed("/api/**/xet-read-token/**", methods: .read),
        // A question about several files at once.
        .passed("/api/**/paths-info/**", methods: .post),
        OriginRule(preset: "/api/**", .rewritten(.fields), query: .keep),
    ]

    /// https://docs.github.com/en/repositories/releasing-projects-on-github
    ///
    /// The URL of a release's file redirects to a signed one that expires; the first is the name. A file can be replaced unless its release is
    /// immutable: a client that knows its SHA-256 can put it into the link. Git LFS objects have signed URLs from the start, which are new for each
    /// request and end in the SHA-256.
    static let githubRules: [OriginRule] = [
        .passed("/{owner}/{repository}/releases/latest/**", methods: .read),
        .mirrored("/{owner}/{repository}/releases/download/{tag}/{file}", digest: .link),
        .mirrored("/{owner}/{repository}/archive/{commit:hex40}.*", digest: .link),
        .mirrored("/{owner}/{repository}/raw/{commit:hex40}/**", digest: .link, html: true),
        .page("/{owner}/{repository}/raw/**", html: true),
        .passed("/{owner}/{repository}/archive/**", methods: .read),
        OriginRule(preset: "/{owner}/{repository}/info/lfs/objects/batch", .rewritten(.lfs), methods: .post, query: .keep),
        .passed("/{owner}/{repository}/info/lfs/**", methods: .read),
        // How Git asks for what it fetches.
        .passed("/{owner}/{repository}/git-upload-pack", methods: .post),
        OriginRule(preset: "/alambic/media/**/{digest:hex64}", .mirrored, query: .drop, digest: .path(.sha256)),
        // media.githubusercontent.com, codeload.github.com and raw.githubusercontent.com
        .mirrored("/media/{owner}/{repository}/{commit:hex40}/**", digest: .link, html: true),
        .mirrored("/{owner}/{repository}/{tar.gz,zip,legacy.tar.gz,legacy.zip}/{commit:hex40}", digest: .link),
        .mirrored("/{owner}/{repository}/{commit:hex40}/**", digest: .link, html: true),
    ]

    /// https://nix.dev/manual/nix/latest/protocols/binary-cache
    ///
    /// Most requests for a narinfo are answered with 404, which is passed on.
    static let nixRules: [OriginRule] = [
        .page("/nix-cache-info", life: hour),
        .page("/{hash}.narinfo", life: hour),
        .page("/build-trace-v2/**"),
        .mirrored("/nar/**"),
    ]
}
