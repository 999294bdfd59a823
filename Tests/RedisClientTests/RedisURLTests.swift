import NIOSSL
import Testing

@testable import RedisClient

@Suite("URLs of Redis")
struct RedisURLTests {
    private static func summary(_ configuration: RedisConfiguration) -> String {
        let addresses = configuration.addresses.map(\.description).joined(separator: ",")
        let user = configuration.password.map { "\(configuration.username ?? "-"):\($0)" } ?? configuration.username ?? "-"
        return "\(configuration.topology) \(addresses) \(user) \(configuration.database) \(configuration.tls == nil ? "plain" : "tls")"
    }

    @Test(
        "A URL says where and how",
        arguments: [
            ("redis://localhost", "single localhost:6379 - 0 plain"),
            ("redis://localhost/", "single localhost:6379 - 0 plain"),
            ("REDIS://h:7000/3", "single h:7000 - 3 plain"),
            ("rediss://h:7000/3/", "single h:7000 - 3 tls"),
            ("redis://user:secret@h", "single h:6379 user:secret 0 plain"),
            ("redis://:secret@h", "single h:6379 -:secret 0 plain"),
            ("rediss://us%40er@h", "single h:6379 us@er 0 tls"),
            ("redis://us%40er:p%2Fw%3A%40%25%c3%A4@h", "single h:6379 us@er:p/w:@%ä 0 plain"),
            ("redis://u:a:b@h", "single h:6379 u:a:b 0 plain"),
            ("redis://[::1]", "single [::1]:6379 - 0 plain"),
            ("redis://[2001:db8::7]:7000/1", "single [2001:db8::7]:7000 - 1 plain"),
            ("redis+sentinel://a,b:1,[::1]:2/main", "sentinel(master: \"main\") a:26379,b:1,[::1]:2 - 0 plain"),
            ("rediss+sentinel://u:p@a/my%2Dmain/4", "sentinel(master: \"my-main\") a:26379 u:p 4 tls"),
            ("redis+cluster://a,b:7001", "cluster a:6379,b:7001 - 0 plain"),
            ("rediss+cluster://:p@a/0", "cluster a:6379 -:p 0 tls"),
        ])
    func read(_ url: String, _ expected: String) throws {
        #expect(Self.summary(try RedisConfiguration(url: url)) == expected)
    }

    @Test("TLS is of version 1.2 at least", arguments: ["rediss://h", "rediss+sentinel://a/main", "rediss+cluster://a"])
    func tlsVersion(_ url: String) throws {
        #expect(try RedisConfiguration(url: url).tls?.minimumTLSVersion == .tlsv12)
    }

    @Test(
        "What a server says of an address is taken only if it is one",
        arguments: [
            ("127.0.0.1", 6379, true), ("::1", 1, true), ("fe80::1%eth0", 6379, true), ("redis-1.example.org", 65_535, true),
            ("h_1", 6379, true),
            ("", 6379, false), ("h", 0, false), ("h", 65_536, false), ("h", -1, false), ("a b", 6379, false), ("a\0b", 6379, false),
            ("a\r\nb", 6379, false), ("a/b", 6379, false), ("a@b", 6379, false), ("ü", 6379, false),
            (String(repeating: "a", count: 254), 6379, false),
        ])
    func told(_ host: String, _ port: Int, _ isAddress: Bool) {
        #expect((RedisConfiguration.Address(told: host, port: port) != nil) == isAddress)
    }

    @Test(
        "A URL that is wrong is refused with what to do, and its password is not repeated",
        arguments: [
            ("", "begins with"), ("localhost:6379", "begins with"), ("http://h", "unknown scheme"), ("redis+tls://h", "unknown scheme"),
            ("redis://", "host is missing"), ("redis://:hunter2@", "host is missing"), ("redis://a,b", "takes one server"),
            ("redis://h:0", "port"), ("redis://h:65536", "port"), ("redis://h:", "port"), ("redis://h:x", "port"), ("redis://h:+1", "port"),
            ("redis://h/x", "database"), ("redis://h/-1", "database"), ("redis://h/1/2", "too many parts"),
            ("redis://h?db=1", "no query"), ("redis://h#x", "no fragment"), ("redis://hunter2:@h", "colon without a password"),
            ("redis://@h", "colon without a password"),
            ("redis://u:hunter2%@h", "percent-encoded"), ("redis://u:hunter2%zz@h", "percent-encoded"),
            ("redis://u:%ff@h", "percent-encoded"),
            ("redis://u:hunt@er2@h", "more than one @"), ("redis://u:hunter2/@h", "%2F"), ("redis://u:hunter2?@h", "%3F"),
            ("redis://u:hunter2#@h", "%23"), ("redis://::1", "brackets"), ("redis://u:hunter2", "port"), ("redis://[::1", "without a ]"),
            ("redis://[::1]x", "IPv6"), ("redis://[h]", "IPv6"), ("redis://h h", "characters"), ("redis://hä", "characters"),
            ("redis+sentinel://a/my%20main", "letters, digits"), ("redis+sentinel://a,b", "name of the master"),
            ("redis+sentinel://a//1", "name of the master"),
            ("redis+sentinel://a/main/x", "database"), ("redis+cluster://a/1", "no database other"),
            ("redis+cluster://a,,b", "host is missing"),
        ])
    func refuse(_ url: String, _ part: String) {
        let error = #expect(throws: RedisURLError.self) { try RedisConfiguration(url: url) }
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("hunt") == false)
    }
}
