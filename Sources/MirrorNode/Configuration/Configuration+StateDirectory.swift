package import MirrorSettings

extension Configuration {
    /// `$XDG_STATE_HOME/cloud-mirror`, else `~/.local/state/cloud-mirror` (XDG Base Directory Specification), else a directory under
    /// `/var/lib` for an account without a home.
    package static func defaultStateDirectory(_ environment: SettingsEnvironment = .process) -> String {
        // The specification says to ignore relative paths.
        if let state = environment.variable("XDG_STATE_HOME"), state.hasPrefix("/") {
            return SettingsEnvironment.absolute("cloud-mirror", in: state)
        }
        if let home = environment.variable("HOME"), home.hasPrefix("/") {
            return SettingsEnvironment.absolute(".local/state/cloud-mirror", in: home == "/" ? "" : home)
        }
        return "/var/lib/cloud-mirror"
    }
}
