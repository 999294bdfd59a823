#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import MirrorCore
import MirrorEngine
import NamedOrigins
import Testing

@testable import MirrorServer

/// Whether the OpenAPI document says what a mirror does.
@Suite(.timeLimit(.minutes(5)))
struct OpenAPITests {
    private static func document() async throws -> OpenAPIDocument {
        let response = try await MirrorFixture.run { mirror in try await mirror.get("/v1/openapi.yaml") }
        #expect(response.status == 200)
        #expect(response["Content-Type"] == "application/yaml")
        return try OpenAPIDocument(response.text)
    }

    /// The structs that server and commands share, by the names of their schemas.
    private static var types: [String: any Codable.Type] {
        [
            "Redirect": RedirectCall.Answer.self, "Error": ErrorAnswer.self, "WarmRequest": WarmCall.Request.self,
            "WarmAnswer": WarmCall.Answer.self, "PurgeAnswer": PurgeCall.Answer.self, "ReplicaPage": ReplicasCall.Answer.self,
            "PoolList": PoolsCall.Answer.self, "Which": WhichCall.Answer.self, "Clients": ClientsCall.Answer.self,
            "Stats": StatsCall.Answer.self, "Ping": HealthCall.Ping.self,
            "Liveness": HealthCall.Liveness.self, "Readiness": HealthCall.Readiness.self, "APIReference": ReferenceCall.Answer.self,
        ]
    }

    /// JSON as its schema's struct has it: without what the struct does not know.
    private static func roundTrip(_ json: [UInt8], _ schema: OpenAPIDocument.Part) throws -> [UInt8] {
        func rewritten<Body: Codable>(_ type: Body.Type) throws -> [UInt8] {
            JSONResponse.encode(try JSONDecoder().decode(type, from: Data(json)))
        }
        let name = schema.pointer.split(separator: "/").last.map(String.init) ?? ""
        let type: any Codable.Type = try require(types[name], "a struct for \(schema.pointer)")
        return try rewritten(type)
    }

    @Test func `every JSON body is what the document says, and a struct has all of it`() async throws {
        let document = try await Self.document()
        var check = SchemaCheck(document)
        var answered: Set<String> = []
        var asked: Set<String> = []
        for scene in APIScene.all {
            let world = World()
            try await scene.prepare(world)
            let responses = try await MirrorFixture.run(world, scene.options) { mirror async throws in
                await scene.begin(mirror)
                var responses: [RawResponse] = []
                for request in scene.requests {
                    responses.append(try await request.send(to: mirror, as: document.operation(request.operation)))
                }
                return responses
            }
            for (request, response) in zip(scene.requests, responses) {
                let place = "\(scene.name): \(request.operation), \(request.status)"
                #expect(response.status == request.status, "\(place)")
                let operation = try document.operation(request.operation)
                let status = operation.statuses.contains("\(response.status)") ? "\(response.status)" : "default"
                let schema = document.resolved(try require(operation.answers[status], "\(place): JSON for \(response.status)"))
                answered.insert("\(operation.id) \(status)")
                check.check(response.json, against: schema, at: place)
                #expect(try Self.roundTrip(response.body, schema) == response.body, "\(place): \(response.text)")
                guard let body = request.body, (200..<300).contains(response.status) else { continue }
                let bodySchema = document.resolved(try require(operation.body, "\(place): a schema of its body"))
                asked.insert(operation.id)
                let json = try JSONDecoder().decode(JSONValue.self, from: Data(body.utf8))
                check.check(json, against: bodySchema, at: "the body of \(place)")
                #expect(try Self.roundTrip(Array(body.utf8), bodySchema) == Array(body.utf8), "\(place)")
            }
        }
        #expect(check.problems.isEmpty, "\(check.problems.joined(separator: "\n"))")
        var missing: [String] = []
        for operation in document.operations {
            missing += operation.answers.keys.map { "\(operation.id) \($0)" }.filter { !answered.contains($0) }
            if operation.body != nil, !asked.contains(operation.id) { missing.append("the body of \(operation.id)") }
            for schema in Array(operation.answers.values) + (operation.body.map { [$0] } ?? []) {
                missing += document.properties(of: schema).subtracting(check.seen)
            }
        }
        #expect(Set(missing).sorted() == [], "what the document has and no request of a scene shows")
    }

    @Test func `the document names just the routes of the API reference, with their security`() async throws {
        let document = try await Self.document()
        let operations = Dictionary(grouping: document.operations) { "\($0.method) \($0.path)" }
        for entry in APIReference.Route.all {
            let operation = try require(operations["\(entry.method) \(entry.path)"]?.first, "\(entry.method) \(entry.path)")
            #expect(operation.id == entry.name)
            #expect(operation.needsToken == entry.isAdmin, "\(entry.path)")
            // GET of what has a body worth it can be asked for with HEAD.
            let hasHead = ["redirect", "redirectChosen", "localObject", "go", "home", "named", "clientsPage"].contains(entry.name)
            if entry.method == "get" { #expect((operations["head \(entry.path)"] != nil) == hasHead, "\(entry.path)") }
        }
        #expect(document.operations.count { $0.method != "head" } == APIReference.Route.all.count)
        for entry in APIReference.Route.all {
            // Clients do not write `hop`: it is in the locations that they get.
            let names = try document.operation(entry.name).queryNames.subtracting(["hop"])
            #expect(names == Set(entry.query), "\(entry.path)")
        }
        #expect(document.root["info"]?["version"]?.value.string == CloudMirrorVersion.current)
        #expect(document.danglingReferences.isEmpty)
    }

    @Test func `the document's words are those of the code`() async throws {
        let schemas = try require(try await Self.document().root["components"]?["schemas"])
        func words(_ schema: String) -> [String] { schemas[schema]?["enum"]?.value.array?.compactMap(\.string).sorted() ?? [] }
        #expect(words("Outcome") == Outcome.allCases.map(\.rawValue).sorted())
        #expect(words("PoolReason") == PoolReason.allCases.filter { $0 != .named }.map(\.rawValue).sorted())
        let preset = schemas["Clients"]?["properties"]?["origins"]?["items"]?["properties"]?["preset"]
        #expect(preset?["enum"]?.value.array?.compactMap(\.string) == Preset.allCases.map(\.rawValue))
        #expect(words("ReplicaState") == Replica.State.allCases.map(\.rawValue).sorted())
    }

    @Test(arguments: [
        (#"{"a":1,"b":["x"]}"#, ""), (#"{"a":0,"b":[]}"#, "minimum"), (#"{"a":1}"#, "required"), (#"{"a":1.5,"b":[]}"#, "type"),
        (#"{"a":null,"b":[]}"#, "type"), (#"{"a":1,"b":["x","x","x"]}"#, "maxItems"), (#"{"a":1,"b":["z"]}"#, "enum"),
        (#"{"a":1,"b":[],"c":true}"#, "const"), (#"{"a":1,"b":[],"d":"B"}"#, "pattern"), (#"{"a":1,"b":[],"e":"soon"}"#, "format"),
        (#"{"a":1,"b":[],"f":{"x":1}}"#, "type"), (#"{"a":1,"b":[],"f":{"y":""}}"#, "enum"), (#"{"a":1,"b":[],"g":1}"#, "no property g"),
        ("[]", "type"), (#"{"a":1,"b":[],"h":0}"#, "does not know"),
    ])
    func `the check of these tests finds what does not fit a schema`(json: String, problem: String) throws {
        let document = try OpenAPIDocument(
            """
            components:
              schemas:
                Word: {enum: [x, "x y"]}
                Body:
                  type: object
                  required: [a, b]
                  properties:
                    a: {type: integer, minimum: 1}
                    b: {type: array, maxItems: 2, items: {$ref: "#/components/schemas/Word"}}
                    c: {const: false}
                    d: {type: string, pattern: "^[a-z]$"}
                    e: {type: string, format: date-time}
                    f: {type: object, propertyNames: {$ref: "#/components/schemas/Word"}, additionalProperties: {type: string}}
                    h: {multipleOf: 2}
            """)
        var check = SchemaCheck(document)
        let body = try require(document.root["components"]?["schemas"]?["Body"])
        check.check(try JSONDecoder().decode(JSONValue.self, from: Data(json.utf8)), against: body, at: "it")
        #expect(check.problems.isEmpty == problem.isEmpty, "\(check.problems)")
        #expect(problem.isEmpty || check.problems.contains { $0.contains(problem) }, "\(check.problems)")
    }
}
