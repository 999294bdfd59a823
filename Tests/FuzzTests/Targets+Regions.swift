import CloudRegions
import MirrorCore

@testable import MirrorServer

extension FuzzTarget {
    static let regions: [FuzzTarget] = [
        published(
            .aws,
            #"{"prefixes":[{"ip_prefix":"192.0.2.0/24","region":"us-west-2"}],"#
                + #""ipv6_prefixes":[{"ipv6_prefix":"2001:db8::/32","region":"GLOBAL"}]}"#),
        published(
            .google, #"{"prefixes":[{"ipv4Prefix":"192.0.2.0/24","scope":"us-west1"},{"ipv6Prefix":"2001:db8::/32","scope":"global"}]}"#),
        published(
            .azure,
            #"{"values":[{"name":"AzureCloud.westeurope","properties":"#
                + #"{"region":"westeurope","addressPrefixes":["192.0.2.0/24","2001:db8::/32"]}}]}"#),
        FuzzTarget(
            "region-snapshot",
            seeds: [
                "cloud-regions 1\naws 2026-10-26T00:00:00.000Z 1 a\n\n\u{1}\u{5}\u{1}\0",
                "cloud-regions 1\naws 2026-10-26T00:00:00.000Z 2 a b\nazure 2026-10-26T00:00:00.000Z 1 c\n\n"
                    + "\u{2}\0\u{1}\u{7}\0\0\0\u{1}\0\u{1}",
            ],
            words: ["\n", " ", "aws", "google", "2026-10-26T00:00:00.000Z", "\0", "\u{1}", "\u{7F}"]
        ) { bytes in
            let lists = try RegionSnapshot.read(bytes)
            let again = try RegionSnapshot.read(RegionSnapshot.write(lists))
            try require(again == lists, "another snapshot")
            for address in ["0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "2001:db8::1", "ffff::"].compactMap({ IPAddress($0) }) {
                _ = CloudRegionTable(lists).region(of: address)
            }
        },
        FuzzTarget(
            "proxy-header",
            seeds: [
                "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\n\r\n", "PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n",
                "PROXY UNKNOWN\r\n", "\r\n\r\n\0\r\nQUIT\n!\u{11}\0\u{C}aaaabbbbccdd", "\r\n\r\n\0\r\nQUIT\n \0\0\0",
            ],
            words: [
                "PROXY ", "TCP4", "TCP6", "UNKNOWN", " ", "\r\n", "65535", "65536", "\r\n\r\n\0\r\nQUIT\n", "\0", "!", "\u{11}", "::ffff:",
            ]
        ) { bytes in
            guard case .header(let header) = ProxyHeaderReader.read(bytes) else { return }
            try require(header.length > 0 && header.length <= min(bytes.count, ProxyHeaderReader.maxLength), "\(header)")
            // Whatever comes behind it changes nothing.
            try require(ProxyHeaderReader.read(bytes[..<header.length]) == .header(header), "\(header)")
        },
    ]

    private static func published(_ cloud: Cloud, _ seed: String) -> FuzzTarget {
        FuzzTarget(
            "\(cloud.rawValue)-ranges", seeds: [seed],
            words: [
                "{", "}", "[", "]", ",", ":", "\"", "192.0.2.0/24", "0.0.0.0/0", "::/0", "/129", "us-west-2", "\\u0000", "null", "\u{FEFF}",
            ]
        ) { bytes in
            let list = try PublishedRanges.read(bytes, of: cloud, date: Timestamp(milliseconds: 0))
            let read = try RegionSnapshot.read(RegionSnapshot.write([list]))
            try require(read == [list], "another list")
        }
    }
}
