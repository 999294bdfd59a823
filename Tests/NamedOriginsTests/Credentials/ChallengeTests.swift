import Testing

@testable import NamedOrigins

@Suite struct ChallengeTests {
    @Test("The first challenge for a bearer token that says where to get it counts")
    func found() throws {
        let hub = try #require(
            Challenge([
                "Bearer realm=\"https://auth.example/token\",service=\"registry.example\",scope=\"repository:a/b:pull,push\",error=\"x\""
            ]))
        #expect(hub.realm == "https://auth.example/token")
        #expect(hub.service == "registry.example")
        #expect(hub.scope == "repository:a/b:pull,push")
        let mixed = try #require(
            Challenge(["Basic realm=\"a, Bearer realm=b\"", "Negotiate YII=, bearer error=x, BEARER  Realm = https://b.example/t"]))
        #expect(mixed.realm == "https://b.example/t")
        #expect(mixed.service == nil)
        #expect(Challenge(["Bearer realm=\"a\\\"b\\\\\""])?.realm == "a\"b\\")
        #expect(Challenge(["Bearer realm=\"unfinished"])?.realm == "unfinished")
    }

    @Test(
        "Anything else is none",
        arguments: ["", "Basic realm=\"a\"", "Bearer", "Bearer scope=\"x\"", "realm=\"a\"", "Bearer realm=", ",,,", "Bearer \"x\""])
    func none(_ field: String) {
        #expect(Challenge([field]) == nil)
    }

    @Test("A field that is too long is not read")
    func long() {
        #expect(Challenge(["Bearer realm=\"\(String(repeating: "a", count: 5_000))\""]) == nil)
    }
}
