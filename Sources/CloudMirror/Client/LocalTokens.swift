import MirrorNode
import MirrorCore
import MirrorSettings

/// Admin tokens that mirrors on this machine keep in files of their state directories, for one address.
///
/// They are used only for this machine's own addresses, and each only for the address where its mirror listens: anybody may be listening at another.
struct LocalTokens {
    /// The state directory of a packaged service, which commands of every account look in.
    private static let serviceDirectory = "/var/lib/cloud-mirror"

    /// The mirror's address.
    let host: IPAddress
    private let files: [AdminTokenFile]
    private let isGiven: Bool

    /// - Parameter url: Of a mirror.
    /// - Parameter stateDirectory: `nil` searches the default state directories.
    /// - Returns: `nil` for an address that is not this machine's own, or a name that must be looked up.
    init?(of url: ArtifactURL, stateDirectory: String?, environment: SettingsEnvironment = .process) {
        let directories =
            stateDirectory.map { [SettingsEnvironment.absolute($0, in: environment.currentDirectory)] }
            ?? [Configuration.defaultStateDirectory(environment), Self.serviceDirectory]
        let hosts =
            url.host == "localhost" ? ["127.0.0.1", "::1"].compactMap { IPAddress($0) } : [url.hostAddress?.unmapped].compactMap(\.self)
        let places = hosts.filter(\.isLoopback).map { host in
            (host: host, files: directories.flatMap { Self.files(in: $0, host: host, port: url.port) })
        }
        guard let first = places.first else { return nil }
        let place = places.first { $0.files.contains(where: Self.isThere) } ?? first
        (host, files, isGiven) = (place.host, place.files, stateDirectory != nil)
    }

    /// A token that has not been tried yet; the files are reread each time.
    func next(besides tried: [String]) -> String? {
        files.lazy.compactMap { try? $0.read() }.first { !tried.contains($0) }
    }

    /// What to do if no token was accepted.
    var hint: String {
        var lines: [String] = []
        for file in files {
            do {
                _ = try file.read()
                lines.append("\(file.path) holds a token that the mirror does not accept: does another account's mirror listen there?")
            } catch {
                if !error.isMissing { lines.append("\(file.path) cannot be read: \(error.reason)") }
            }
        }
        guard lines.isEmpty else {
            return (lines + ["Run this as the service's account or as root: sudo cloud-mirror …"]).joined(separator: "\n")
        }
        return isGiven
            ? "The mirror has stored no token in the directory that --state-dir names."
            : "If the mirror runs on this machine with its own state directory (stateDirectory, --state-dir), pass that to this command with --state-dir."
    }

    /// The files of a mirror that listens at this address or at all addresses.
    private static func files(in directory: String, host: IPAddress, port: Int) -> [AdminTokenFile] {
        ([host.description] + (host.isIPv6 ? ["::"] : ["0.0.0.0", "::"])).map {
            AdminTokenFile(in: directory, for: ListenAddress(host: $0, port: port))
        }
    }

    private static func isThere(_ file: AdminTokenFile) -> Bool {
        do {
            _ = try file.read()
            return true
        } catch {
            return !error.isMissing
        }
    }
}
