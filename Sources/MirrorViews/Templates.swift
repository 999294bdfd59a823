import MirrorCore
import Mustache

/// The templates in the folder `Templates`, parsed once.
enum Templates {
    enum Name: String, CaseIterable {
        case layout, home, clients, login, problem, dashboard, rows, tile, bar, replicas

        fileprivate var source: [UInt8] {
            switch self {
            case .layout: PackageResources.layout_mustache
            case .home: PackageResources.home_mustache
            case .clients: PackageResources.clients_mustache
            case .login: PackageResources.login_mustache
            case .problem: PackageResources.problem_mustache
            case .dashboard: PackageResources.dashboard_mustache
            case .rows: PackageResources.rows_mustache
            case .tile: PackageResources.tile_mustache
            case .bar: PackageResources.bar_mustache
            case .replicas: PackageResources.replicas_mustache
            }
        }
    }

    /// Text in HTML, escaped scalar by scalar.
    ///
    /// The package's own escaping looks for whole characters, and a quotation mark that a combining mark follows is another character to it: such
    /// a value would end the attribute that it is in.
    private struct EscapedText: MustacheContentType {
        func escapeText(_ text: String) -> String { Markup.escape(text) }
    }

    private static let escaped = "ESCAPED"

    /// A template that cannot be parsed is left out, which a test would notice.
    static let library: MustacheLibrary = {
        MustacheContentTypes.register(EscapedText(), named: escaped)
        var library = MustacheLibrary()
        for name in Name.allCases {
            // In front of each template, because a partial does not inherit it.
            let text = "{{% CONTENT_TYPE: \(escaped)}}\n" + String(decoding: name.source, as: UTF8.self)
            guard let template = try? MustacheTemplate(string: text) else { continue }
            library.register(template, named: name.rawValue)
        }
        return library
    }()

    /// - Parameter view: The struct whose stored properties the template names.
    static func render(_ name: Name, _ view: Any) -> String {
        library.render(view, withTemplate: name.rawValue) ?? ""
    }
}
