import Foundation

/// What attacks are made of, and what was seen of them. `make attack` prints the figures as a table.
enum AttackFigures {
    private static let environment = ProcessInfo.processInfo.environment

    /// Whether somebody asked for the whole of it, with an optimised executable; otherwise it is short, as a part of `make test`, and time has room for a debug build.
    static let isWhole = environment["CLOUD_MIRROR_ATTACK_CLIENTS"] != nil
    static let clients = environment["CLOUD_MIRROR_ATTACK_CLIENTS"].flatMap { Int($0) } ?? 100

    static var hotLimit: Duration { isWhole ? .milliseconds(250) : .seconds(2) }
    /// Beside the time of the copy itself.
    static var coldLimit: Duration { isWhole ? .seconds(1) : .seconds(5) }

    /// One line of the table.
    static func report(_ attack: String, _ figure: String, limit: String) {
        print("attack | \(attack) | \(figure) | \(limit)")
    }

    static func milliseconds(_ duration: Duration) -> String {
        "\(Int((duration / .milliseconds(1)).rounded())) ms"
    }

    static func mebibytes(_ bytes: Int64) -> String { "\(bytes >> 20) MiB" }
}
