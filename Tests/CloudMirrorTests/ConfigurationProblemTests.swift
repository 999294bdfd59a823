import Testing

@testable import MirrorNode
@testable import MirrorSettings

@Suite struct ConfigurationProblemTests {
    struct Bad: Sendable, CustomTestStringConvertible {
        var name: String
        var file: String
        var problems: [String]

        var testDescription: String { name }
    }

    @Test(
        "Everything wrong with a file is reported at once, with line, column and key",
        arguments: [
            Bad(
                name: "an empty file", file: "",
                problems: ["mirror.yaml:1:1: origins.allow: is missing", "mirror.yaml:1:1: pools: is missing"]),
            Bad(
                name: "a list in place of keys", file: "- a\n",
                problems: ["mirror.yaml:1:1: expected a mapping, found a list"]),
            Bad(
                name: "unknown keys, near to known ones and far from them",
                file: minimalFile + "lisen: 127.0.0.1:1\nredirect: {maxwait: 3s, zzz: 1}\n",
                problems: [
                    "mirror.yaml:3:1: lisen: unknown key; did you mean 'listen'?",
                    "mirror.yaml:4:12: redirect.maxwait: unknown key; did you mean 'maxWait'?",
                    "mirror.yaml:4:25: redirect.zzz: unknown key; the keys here are maxWait, hop, hops, clients, waitLimit, lookLimit, negativeLife, maxWaiting, memory, coldClaims, status",
                ]),
            Bad(
                name: "wrong types",
                file: minimalFile + "copy: 5\nredirect: {maxWait: [1s]}\nadmin: {tokens: abc}\nselection: {networks: [a]}\n",
                problems: [
                    "mirror.yaml:3:7: copy: expected a mapping, found a single value",
                    "mirror.yaml:4:21: redirect.maxWait: expected duration, found a list",
                    "mirror.yaml:5:17: admin.tokens: expected a list, found a single value; write [one, two], or each element on a line that begins with '- '",
                    "mirror.yaml:6:23: selection.networks: expected a mapping whose keys are networks, found a list",
                ]),
            Bad(
                name: "bad values of every kind",
                file: minimalFile + """
                    listen: 8080
                    publicURL: mirror.example.org
                    redirect: {maxWait: 28, maxWaiting: many, status: 303}
                    copy: {partSize: 16 MiB}
                    origins2: 1
                    log: {level: loud}
                    """,
                problems: [
                    "mirror.yaml:3:9: listen: '8080' is not an address to listen on; write host:port, such as 127.0.0.1:8080 or [::]:8080",
                    "mirror.yaml:4:12: publicURL: 'mirror.example.org' is not a URL: it has no scheme; write https://host/path",
                    "mirror.yaml:5:21: redirect.maxWait: '28' is not a duration; write a whole number with ms, s, m, h or d, such as 28s",
                    "mirror.yaml:5:37: redirect.maxWaiting: 'many' is not a whole number",
                    "mirror.yaml:5:51: redirect.status: '303' is not one of 302, 307",
                    "mirror.yaml:6:18: copy.partSize: '16 MiB' is not a size; write a whole number with B, KiB, MiB, GiB, TiB (or kB, MB, GB, TB), "
                        + "such as 16MiB",
                    "mirror.yaml:7:1: origins2: unknown key; did you mean 'origins'?",
                    "mirror.yaml:8:14: log.level: 'loud' is not one of trace, debug, info, notice, warning, error, critical",
                ]),
            Bad(
                name: "values out of range and in contradiction",
                file: minimalFile + """
                    redirect: {maxWait: 2h, waitLimit: 5s}
                    copy: {concurrency: 0, partSize: 1KiB, backoff: {first: 10s, max: 1s}}
                    admin: {listen: 127.0.0.1:8080}
                    """,
                problems: [
                    "mirror.yaml:3:21: redirect.maxWait: '2h' is out of range; write 0s to 1h",
                    "mirror.yaml:4:21: copy.concurrency: '0' is out of range; write 1 to 1024",
                    "mirror.yaml:4:34: copy.partSize: '1KiB' is out of range; write 1MiB to 1GiB",
                    "mirror.yaml:4:67: copy.backoff.max: must not be shorter than first, which is 10s",
                    "mirror.yaml:5:17: admin.listen: is the address of the main listener; leave the key out to share it",
                ]),
            Bad(
                name: "clients that cannot be told apart or would wait for ever",
                file: minimalFile + """
                    redirect:
                      hop: 0s
                      hops: 51
                      clients:
                        - {userAgent: "", hop: 5s}
                        - {hop: 11m}
                        - {userAgent: pip/, hops: -1, wait: 3s}
                        - pip/
                    """,
                problems: [
                    "mirror.yaml:4:8: redirect.hop: '0s' is out of range; write 1s to 10m",
                    "mirror.yaml:5:9: redirect.hops: '51' is out of range; write 0 to 50",
                    "mirror.yaml:7:19: redirect.clients[0].userAgent: '' is not a valid User-Agent prefix; write 1 to 100 ASCII "
                        + "characters, such as pip/",
                    "mirror.yaml:8:7: redirect.clients[1].userAgent: is missing; write userAgent: my-downloader/",
                    "mirror.yaml:8:13: redirect.clients[1].hop: '11m' is out of range; write 1s to 10m",
                    "mirror.yaml:9:31: redirect.clients[2].hops: '-1' is out of range; write 0 to 50",
                    "mirror.yaml:9:35: redirect.clients[2].wait: unknown key; the keys here are userAgent, hop, hops",
                    "mirror.yaml:10:7: redirect.clients[3]: expected a mapping, found a single value",
                ]),
            Bad(
                name: "keys without a value",
                file: minimalFile + "listen:\nredirect:\n  maxWait: ~\nsweep:\n",
                problems: [
                    "mirror.yaml:3:8: listen: has no value; leave the key out for the default",
                    "mirror.yaml:5:12: redirect.maxWait: has no value; leave the key out for the default",
                ]),
            Bad(
                name: "origins that the egress policy would not take",
                file: """
                    origins:
                      allow:
                        - ftp://x.example/
                        - http://plain.example/
                        - pattern: 'https://a\\.example/'
                        - {patern: x}
                        - https://user@host/
                        - {prefix: "https://a.example/", pattern: '^https://a\\.example/'}
                        - {prefix: "https://a.example/", query: drop-all}
                        - {query: keep}
                        - {prefix: "https://b.example/", query: []}
                        - {prefix: "https://b.example/", query: [a, "", "?b=1", [c], {d: e}, ~]}
                        - {prefix: "https://b.example/", query: {a: b}}
                        - {prefix: "https://b.example/", query: ~}
                      requireHTTPS: yes
                      allowAddresses: [10.1.0.0/8]
                    pools: {local/dev: {directory: /pool}}
                    """,
                problems: [
                    "mirror.yaml:3:7: origins.allow[0]: 'ftp://x.example/' is not a valid URL prefix: its scheme is neither https nor http",
                    "mirror.yaml:4:7: origins.allow[1]: http://plain.example/: allows http while origins.requireHTTPS is true",
                    "mirror.yaml:5:7: origins.allow[2]: the pattern https://a\\.example/ does not begin with ^",
                    "mirror.yaml:6:7: origins.allow[3].pattern: is missing; write pattern: '^https://…/'",
                    "mirror.yaml:6:8: origins.allow[3].patern: unknown key; did you mean 'pattern'?",
                    "mirror.yaml:7:7: origins.allow[4]: 'https://user@host/' is not a valid URL prefix: it carries a user name or password",
                    "mirror.yaml:8:47: origins.allow[5].pattern: cannot be combined with prefix; keep one of them",
                    "mirror.yaml:9:45: origins.allow[6].query: 'drop-all' is not one of keep, drop-signatures, drop",
                    "mirror.yaml:10:7: origins.allow[7].pattern: is missing; write pattern: '^https://…/'",
                    "mirror.yaml:11:45: origins.allow[8].query: is empty; write drop if no part of the query belongs to the name",
                    "mirror.yaml:12:49: origins.allow[9].query[1]: '' is empty",
                    "mirror.yaml:12:53: origins.allow[9].query[2]: '?b=1' is not a parameter name; write the part before the =, "
                        + "with ?, &, =, ; and # percent-encoded (= as %3D)",
                    "mirror.yaml:12:61: origins.allow[9].query[3]: expected parameter name, found a list",
                    "mirror.yaml:12:66: origins.allow[9].query[4]: expected parameter name, found a mapping",
                    "mirror.yaml:12:74: origins.allow[9].query[5]: has no value; remove it",
                    "mirror.yaml:13:45: origins.allow[10].query: expected one of keep, drop-signatures, drop, or a list of parameter "
                        + "names, found a mapping",
                    "mirror.yaml:14:45: origins.allow[11].query: has no value; leave the key out for the default",
                    "mirror.yaml:15:17: origins.requireHTTPS: 'yes' is neither true nor false",
                    "mirror.yaml:16:20: origins.allowAddresses[0]: '10.1.0.0/8' is not a network; write it as 10.1.0.0/16 or 2001:db8::/32, "
                        + "with no bits set beyond the prefix",
                ]),
            Bad(
                name: "pools of other services, without a directory, in one directory",
                file: """
                    origins: {allow: [https://a.example/]}
                    pools:
                      tape/europe-west1: {bucket: b}
                      Local/Dev: {directory: a}
                      local/a: {retention: {maxBytes: 0B}}
                      local/b: {directory: d}
                      local/c: {directory: ./d/}
                      local/d: {directory: d/.//e}
                      local/e: {directory: "/"}
                      local/f: {directory: d-2}
                    """,
                problems: [
                    "mirror.yaml:3:22: pools.tape/europe-west1: this version does not support tape pools, only local, s3, gcs and azure, such as azure/europe-west1",
                    "mirror.yaml:4:3: pools.Local/Dev: 'Local/Dev' is not a pool name; write service/region, such as local/dev, using a-z 0-9 - _ .",
                    "mirror.yaml:5:12: pools.local/a.directory: is missing; write directory: /var/lib/cloud-mirror/pools/dev",
                    "mirror.yaml:5:35: pools.local/a.retention.maxBytes: '0B' is out of range; write 1B to 1024PiB",
                    "mirror.yaml:7:24: pools.local/c.directory: is already the directory of the pool local/b",
                    "mirror.yaml:8:24: pools.local/d.directory: is inside the directory of the pool local/b",
                    "mirror.yaml:9:24: pools.local/e.directory: contains the directory of the pool local/b",
                ]),
            Bad(
                name: "references to pools that are not there",
                file: minimalFile + "selection: {default: local/x, networks: {10.1.0.0/16: local/y, nowhere: local/dev}}\n",
                problems: [
                    "mirror.yaml:3:22: selection.default: 'local/x' is neither origin nor one of the pools: local/dev",
                    "mirror.yaml:3:55: selection.networks.10.1.0.0/16: 'local/y' is not one of the pools: local/dev",
                    "mirror.yaml:3:64: selection.networks.nowhere: 'nowhere' is not a network; write it as 10.1.0.0/16 or 2001:db8::/32, "
                        + "with no bits set beyond the prefix",
                ]),
            Bad(
                name: "regions, lists of regions and proxies that are none",
                file: minimalFile
                    + """
                    selection:
                      regions: {us-west-2: local/dev, s3/us-west-2: local/dev, aws/us-west-2: local/x}
                      nearest: never-ever
                      proxyHeader: Via
                      cloudRegions: {aws: "http://a.example/b", google: "ftp://a/b", refresh: 1s}
                    server: {proxyProtocol: true}

                    """,
                problems: [
                    "mirror.yaml:4:13: selection.regions.us-west-2: 'us-west-2' is not a cloud region; write cloud/region, such as "
                        + "aws/us-west-2; the clouds are aws, google, azure",
                    "mirror.yaml:4:35: selection.regions.s3/us-west-2: 's3/us-west-2' is not a cloud region; write cloud/region, such as "
                        + "aws/us-west-2; the clouds are aws, google, azure",
                    "mirror.yaml:4:75: selection.regions.aws/us-west-2: 'local/x' is not one of the pools: local/dev",
                    "mirror.yaml:5:12: selection.nearest: 'never-ever' is not one of any, same-cloud, never",
                    "mirror.yaml:6:16: selection.proxyHeader: 'Via' is not one of X-Forwarded-For, Forwarded",
                    "mirror.yaml:7:23: selection.cloudRegions.aws: 'http://a.example/b' is plain HTTP, but origins.requireHTTPS is true",
                    "mirror.yaml:7:53: selection.cloudRegions.google: 'ftp://a/b' is not a URL: its scheme is neither https nor http",
                    "mirror.yaml:7:75: selection.cloudRegions.refresh: '1s' is out of range; write 1m to 30d",
                    "mirror.yaml:8:25: server.proxyProtocol: needs selection.trustedProxies: only a trusted proxy may name a client",
                ]),
            Bad(
                name: "half of a certificate, and a file that is not there",
                file: minimalFile + "tls: {certificate: cert.pem}\nadmin: {tokensFile: tokens}\n",
                problems: [
                    "mirror.yaml:3:6: tls.key: is missing; write key: /etc/cloud-mirror/key.pem",
                    "mirror.yaml:3:20: tls.certificate: /here/cert.pem cannot be read: No such file or directory",
                    "mirror.yaml:4:21: admin.tokensFile: /here/tokens cannot be read: No such file or directory",
                ]),
            Bad(
                name: "a key given twice", file: minimalFile + "log: {level: info, level: debug}\n",
                problems: ["mirror.yaml:3:7: given more than once in the same mapping: 'level'; keep one"]),
            Bad(
                name: "something that is not YAML", file: "listen: [\n",
                problems: ["mirror.yaml:2:1: not valid YAML: while parsing a flow node, did not find expected node content"]),
            Bad(
                name: "two documents", file: "a: 1\n---\nb: 2\n",
                problems: ["mirror.yaml:2:1: not valid YAML: expected a single document in the stream, but found another document"]),
        ])
    func reported(_ bad: Bad) {
        #expect(Configuration.problems(of: bad.file) == bad.problems)
    }

    @Test("Bytes that are not UTF-8 are reported with their line")
    func notUTF8() {
        #expect(throws: ConfigurationError(problems: [.init(file: "f", line: 2, column: 1, path: "", message: "this line is not UTF-8")])) {
            try Configuration.parse(Array("a: 1\n".utf8) + [0xFF, 0x0A], file: "f", services: .standard, environment: .fake())
        }
    }

    @Test("A file that is not there is reported by its name")
    func missingFile() {
        #expect(
            throws: ConfigurationError(problems: [
                .init(file: "nope.yaml", path: "", message: "the file cannot be read: No such file or directory")
            ])
        ) {
            try Configuration.load(file: "nope.yaml", services: .standard, environment: .fake())
        }
    }
}
