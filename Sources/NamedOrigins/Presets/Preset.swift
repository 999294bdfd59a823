/// Rules for a kind of origin.
package enum Preset: String, Sendable, CaseIterable {
    case python, npm, cargo, go, maven, apt, oci, conda, huggingface, github, nix
}
