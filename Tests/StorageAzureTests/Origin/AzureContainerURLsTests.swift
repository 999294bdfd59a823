import MirrorCore
import StorageCloud
import Testing

@testable import StorageAzure

@Suite("The URLs that mean blobs of a container")
struct AzureContainerURLsTests {
    private static let own = "https://myartifacts.blob.core.windows.net/releases/a/b.tar"

    private func urls(_ container: String = "releases", at endpoint: String? = nil) throws -> AzureContainerURLs {
        let account = "myartifacts"
        guard let endpoint else { return AzureContainerURLs(endpoint: AzureEndpoint(account: account), container: container) }
        let url = try ArtifactURL(endpoint)
        return AzureContainerURLs(endpoint: try #require(AzureEndpoint(url, account: account)), container: container)
    }

    private func name(_ text: String, _ urls: AzureContainerURLs) -> String? {
        urls.object(text).flatMap(urls.url(of:)).map(\.description)
    }

    @Test(
        "Each spelling of a blob has one name",
        arguments: [
            own, "HTTPS://MyArtifacts.Blob.Core.Windows.Net/releases/a/b.tar", "http://myartifacts.blob.core.windows.net/releases/a/b.tar",
            "https://myartifacts.blob.core.windows.net:443/releases/a/b.tar", "https://myartifacts.blob.core.windows.net./releases/a/b.tar",
            "https://myartifacts-secondary.blob.core.windows.net/releases/a/b.tar",
            "https://myartifacts.z12.blob.storage.azure.net/releases/a/b.tar",
            "https://myartifacts.blob.core.windows.net/releases/a%2Fb.tar", "https://myartifacts.blob.core.windows.net/%72eleases/a/b.tar",
            "\(own)#top", "\(own)?", "\(own)?timeout=3",
            "\(own)?sv=2023-11-03&st=2026-01-31T12%3A00%3A00Z&se=2026-01-31T13%3A00%3A00Z&sr=b&sp=r&spr=https&sip=1.2.3.4&sig=a%2Bb%3D",
            "\(own)?sv=1&ss=b&srt=o&sp=r&se=x&sig=x", "\(own)?si=policy&sv=1&sr=c&sig=x&ses=scope",
            "\(own)?skoid=1&sktid=2&skt=3&ske=4&sks=b&skv=5&saoid=6&suoid=7&scid=8&sdd=2&sduoid=9&skdutid=10&sv=1&sig=x",
            "\(own)?sv=1&sig=x&rscd=attachment%3B%20filename%3Dx&rsct=text%2Fplain&rscc=no-cache&rsce=gzip&rscl=de", "\(own)?SIG=x&SV=1",
        ])
    func spellings(_ text: String) throws {
        #expect(name(text, try urls()) == Self.own)
    }

    @Test(
        "What is not a blob of the container is somebody else's",
        arguments: [
            "https://myartifacts.blob.core.windows.net/other/a/b.tar", "https://myartifacts.blob.core.windows.net/releases",
            "https://myartifacts.blob.core.windows.net/releases/", "https://myartifacts.blob.core.windows.net/Releases/a/b.tar",
            "https://another.blob.core.windows.net/releases/a/b.tar", "https://myartifacts.blob.core.windows.net:8443/releases/a/b.tar",
            "https://myartifacts.blob.core.chinacloudapi.cn/releases/a/b.tar", "https://myartifacts.dfs.core.windows.net/releases/a/b.tar",
            "https://x.myartifacts.blob.core.windows.net/releases/a/b.tar", "https://myartifacts.a.b.blob.storage.azure.net/releases/a",
            "https://myartifacts.blob.core.windows.net.evil.example/releases/a/b.tar", "ftp://myartifacts.blob.core.windows.net/releases/a",
            "https://user@myartifacts.blob.core.windows.net/releases/a/b.tar", "https://myartifacts.blob.core.windows.net/releases/a/../b",
            "https://myartifacts.blob.core.windows.net/releases/a/%2E%2E/b", "https://myartifacts.blob.core.windows.net/releases/./b",
            "https://myartifacts.blob.core.windows.net/releases/%FF", "\(own)?comp=metadata", "\(own)?restype=container", "\(own)?x=1",
            "\(own)?snapshot=1&versionid=2", "\(own)?versionid=", "\(own)?versionid", "\(own)?%FF=1", "", "releases/a/b.tar",
            "azure://releases/a/b.tar",
        ])
    func foreign(_ text: String) throws {
        #expect(try urls().object(text) == nil)
    }

    @Test("A name is kept byte for byte, however it is encoded")
    func names() throws {
        let urls = try urls()
        for name in ["a b+c%.tar", "ü~(1)'*!&=?#.tar", "a//b", "/a", "a/", "x:y@z;w,v$u", "%2F", "\u{301}a"] {
            let blob = AzureBlobName(key: name)
            let url = try #require(urls.url(of: blob), "\(name)")
            #expect(urls.object(url.description) == blob, "\(name)")
        }
        #expect(urls.object("https://myartifacts.blob.core.windows.net/releases/a+b%20c")?.key == "a+b c")
    }

    @Test("A version and a snapshot are part of the name, whatever else the query holds")
    func states() throws {
        let urls = try urls()
        let moment = "2026-01-31T12%3A00%3A00.0000000Z"
        for (query, kept) in [
            ("versionid=\(moment)&sv=1&sig=x", "versionid=\(moment)"), ("sv=1&VersionId=\(moment)&sig=x", "versionid=\(moment)"),
            ("snapshot=\(moment)", "snapshot=\(moment)"),
        ] {
            #expect(name("\(Self.own)?\(query)", urls) == "\(Self.own)?\(kept)")
        }
        #expect(urls.object("\(Self.own)?snapshot=\(moment)")?.version == .snapshot("2026-01-31T12:00:00.0000000Z"))
    }

    @Test("The blobs of the root container also stand right behind the host")
    func root() throws {
        let urls = try urls("$root")
        let own = "https://myartifacts.blob.core.windows.net/%24root/a.tar"
        for text in [
            "https://myartifacts.blob.core.windows.net/a.tar?sv=1&sig=x", "https://myartifacts.blob.core.windows.net/$root/a.tar", own,
        ] {
            #expect(urls.object(text)?.key == "a.tar", "\(text)")
        }
        let named = try #require(name("https://myartifacts.blob.core.windows.net/a.tar", urls))
        #expect(name(named, urls) == named)
        #expect(urls.object("https://myartifacts.blob.core.windows.net/a/b.tar") == nil)
        #expect(urls.object("https://myartifacts.blob.core.windows.net/") == nil)
        #expect(try self.urls().object("https://myartifacts.blob.core.windows.net/a.tar") == nil)
    }

    @Test("Other clouds, private endpoints and emulators have hosts of their own")
    func endpoints() throws {
        let china = try urls(at: "https://myartifacts.blob.core.chinacloudapi.cn")
        #expect(china.object("https://myartifacts.blob.core.chinacloudapi.cn/releases/a")?.key == "a")
        #expect(china.object(Self.own) == nil)
        let elsewhere = try urls(at: "https://blobs.internal.example:8443")
        #expect(elsewhere.object("https://blobs.internal.example:8443/releases/a")?.key == "a")
        #expect(elsewhere.object("https://blobs.internal.example/releases/a") == nil)
        let emulator = try urls(at: "http://127.0.0.1:10000/myartifacts")
        let own = "http://127.0.0.1:10000/myartifacts/releases"
        #expect(name("\(own)/a%2fb?sv=1&sig=x", emulator) == "\(own)/a/b")
        #expect(emulator.object("http://127.0.0.1:10000/releases/a") == nil)
        #expect(emulator.object("http://127.0.0.1:10000/another/releases/a") == nil)
        #expect(emulator.object("http://127.0.0.1:10000/myartifacts") == nil)
    }
}
