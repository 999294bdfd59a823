import MirrorCore
package import MirrorNet
import MirrorSettings
package import MirrorStorage
package import NamedOrigins

extension Configuration {
    /// What may be fetched.
    package struct Origins: Sendable, Equatable {
        /// Only the zero configuration allows any public origin.
        package var policy = EgressPolicy()
        /// Origins that are read with the mirror's own credentials; allowed without a rule.
        package var buckets: [Origin] = []
        /// Origins that clients ask for below `/o/`; the policy allows them.
        package var named: [NamedOrigin] = []
        package var pages = PageConfiguration()
    }

    /// A place that artifacts are read from with the mirror's own credentials.
    package struct Origin: Sendable, Equatable {
        /// The service's name.
        package let service: String
        package let settings: any StorageSettings

        package static func == (one: Origin, other: Origin) -> Bool {
            one.service == other.service && one.settings.isEqual(to: other.settings)
        }
    }
}

extension Configuration.Origins {
    mutating func read(_ reader: SettingsReader, _ services: StorageServices) {
        let exception = services.originKeys.isEmpty ? "" : " May be left out if \(services.originKeyWords) or `named` has an entry."
        let rules = reader.requiredList(
            "allow", unless: services.originKeys + ["named"], type: "list of URL prefixes, or {prefix or pattern, query}",
            example: "\n- https://artifacts.example.org/builds/\n- pattern: '^https://s3\\.us-west-2\\.amazonaws\\.com/public-artifacts/'",
            doc:
                "The artifacts that may be fetched. An entry is a URL prefix, compared by scheme, host, port and path, or an anchored "
                + "pattern whose host is written out. `query` says which part of a URL's query belongs to the artifact's name; the first "
                + "entry that matches decides. `drop-signatures` (the default) is everything except the parameters of a signature, so that "
                + "URLs that are signed anew each time name one artifact; `keep` is the whole query; `drop` is nothing; a list of names, "
                + "such as `[version, arch]`, is only those parameters. The origin is always sent the whole query. If anyone may send "
                + "requests, list the parameters that the origin knows; otherwise each made-up parameter makes another artifact. Set "
                + "`keep` if a signature decides who may read: if it is not part of the name, clients without a signature are redirected "
                + "to the copy, too.\(exception)"
        ) { element -> (rule: EgressPolicy.AllowRule, element: SettingsElement)? in
            guard element.isMapping else { return element.value(.originPrefix, instead: "remove it").map { ($0, element) } }
            var rule: EgressPolicy.AllowRule?
            element.section { rule = .read($0) }
            return rule.map { ($0, element) }
        }
        var places: [(origin: Configuration.Origin, section: SettingsReader)] = []
        for service in services.all { Self.readPlaces(of: service, reader, &places) }
        buckets = places.map(\.origin)
        var requireHTTPS = policy.requireHTTPS
        reader.value(
            "requireHTTPS", &requireHTTPS, .boolean,
            doc: "Refuse plain HTTP, on every hop of a redirect chain. Turn this off for tests only."
        )
        for (rule, element) in rules {
            // The policy itself decides which rules are valid.
            do { _ = try EgressPolicy(allow: [rule], requireHTTPS: requireHTTPS) } catch { error.problems.forEach(element.report) }
        }
        for (origin, section) in places where requireHTTPS {
            guard let key = origin.settings.plainHTTPKey else { continue }
            section.report("uses plain HTTP, but origins.requireHTTPS is true", key: key)
        }
        named = NamedOrigin.read(reader, requireHTTPS: requireHTTPS)
        reader.section("pages", doc: "Pages of named origins, which are kept for a short life and then revalidated.") {
            pages = PageConfiguration($0)
        }
        var allowAddresses: [IPNetwork] = []
        reader.list(
            "allowAddresses", &allowAddresses, .network,
            doc:
                "Networks that may be fetched from even though their addresses are private, loopback or otherwise not public, such as "
                + "`[10.20.0.0/16]`.")
        var maxRedirects = policy.maxRedirects
        reader.value(
            "maxRedirects", &maxRedirects, .integer(in: 0...20),
            doc: "Maximum number of redirects to follow from an origin; each hop must be allowed, too.")
        // Problems with rules have been reported above.
        if let read = try? EgressPolicy(
            allow: rules.map(\.rule) + named.flatMap(\.places).map { .prefix($0) }, requireHTTPS: requireHTTPS,
            allowAddresses: allowAddresses, maxRedirects: maxRedirects)
        {
            policy = read
        }
    }

    /// Reads the list of origins of one service, if it can be an origin.
    private static func readPlaces<Service: StorageService>(
        of service: Service.Type, _ reader: SettingsReader, _ places: inout [(origin: Configuration.Origin, section: SettingsReader)]
    ) {
        guard let documentation = service.originDocumentation else { return }
        reader.sectionList(service.name, type: documentation.type, example: documentation.example, doc: documentation.doc) { section in
            guard let settings = service.readOrigin(section) else { return }
            let others = places.filter { $0.origin.service == service.name }
            for other in others {
                if let clash = settings.anyClash(with: other.origin.settings, called: "another") {
                    return section.report("is already in the list", key: clash.key)
                }
            }
            places.append((Configuration.Origin(service: service.name, settings: settings), section))
        }
    }
}
