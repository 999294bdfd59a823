package import MirrorCore
package import MirrorSettings

extension Configuration {
    /// Who may make admin calls, and where.
    package struct Admin: Sendable, Equatable {
        /// `nil` means the same listener as everything else.
        package var listen: ListenAddress?
        /// From `tokens` and `tokensFile`.
        package var tokens: [Secret] = []
        /// Whether the service generates another token for commands on this machine (``LocalAdminToken``).
        package var localToken = true
        /// Whether people can log in to `/dashboard` with a token.
        package var dashboard = true
    }
}

extension Configuration.Admin {
    /// Bytes of a token file that are read.
    private static let maxTokensFile = 65_536
    /// Characters; shorter tokens can be guessed.
    private static let shortToken = 16

    mutating func read(_ reader: SettingsReader, main: ListenAddress) {
        reader.value(
            "listen", &listen, .listenAddress, defaultNote: "the main listener", example: "127.0.0.1:9090",
            doc: "A separate listener for admin calls, so that a firewall can restrict access to it.")
        if let listen, listen == main, listen.port != 0 {
            reader.report("is the address of the main listener; leave the key out to share it", key: "listen")
        }
        reader.list(
            "tokens", &tokens, .token, example: "[\"${CLOUD_MIRROR_ADMIN_TOKEN}\"]",
            doc:
                "Tokens for admin calls; each call must send one of them as `Authorization: Bearer …`. Without a token, only `localToken` "
                + "allows admin calls."
        )
        var file: String?
        reader.value(
            "tokensFile", &file, .path, example: "/etc/cloud-mirror/tokens",
            doc: "File with more tokens, one per line; empty lines and lines that begin with `#` are ignored.")
        reader.value(
            "localToken", &localToken, .boolean,
            doc:
                "Create an additional token at each start, and store it in the file `admin-token-HOST:PORT` in the state directory, "
                + "with mode 0600. It lets `cloud-mirror purge` and similar commands work on this machine, for the service's account and "
                + "for root."
        )
        reader.value(
            "dashboard", &dashboard, .boolean,
            doc:
                "Serve `/dashboard`, where people log in with a token to see what the mirror is doing, and to find, purge and copy "
                + "replicas. It is on the listener for admin calls.")
        warn(of: tokens, key: "tokens", reader)
        if let file { readTokens(file, reader) }
    }

    private func warn(of found: [Secret], key: String, _ reader: SettingsReader) {
        if found.contains(where: { $0.value.utf8.count < Self.shortToken }) {
            reader.warn(
                "a token is shorter than \(Self.shortToken) characters and could be guessed; `openssl rand -hex 16` makes a stronger one",
                key: key)
        }
        let values = found.map(\.value)
        if Set(values).count < values.count {
            reader.warn("a token is listed twice; give each user a separate token, so that each can be revoked alone", key: key)
        }
    }

    private mutating func readTokens(_ file: String, _ reader: SettingsReader) {
        guard let content = reader.readFile("tokensFile", file, limit: Self.maxTokensFile, isSecret: true) else { return }
        let lines = content.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") })
        var found: [Secret] = []
        for line in lines {
            let text = String(decoding: line, as: UTF8.self).trimmed
            guard !text.isEmpty, !text.hasPrefix("#") else { continue }
            do {
                found.append(try SettingKind.token.parse(text, reader.context))
            } catch {
                reader.report("a token in the file \(error.message)", key: "tokensFile")
            }
        }
        if found.isEmpty { reader.report("the file contains no tokens", key: "tokensFile") }
        warn(of: found, key: "tokensFile", reader)
        if found.contains(where: { token in tokens.contains { $0.value == token.value } }) {
            reader.warn("a token in the file is also in admin.tokens; keep it in one place", key: "tokensFile")
        }
        tokens += found
    }
}
