/// `GET /v1/clients`: the configuration that points clients at the named origins of this mirror.
package enum ClientsCall {
    package struct Answer: Codable, Sendable, Equatable {
        /// In the order of their names.
        package var origins: [Origin]

        package init(origins: [Origin]) {
            self.origins = origins
        }
    }

    /// A named origin, and the configuration of its clients.
    package struct Origin: Codable, Sendable, Equatable {
        package var name: String
        /// `nil` if all its rules are its own.
        package var preset: String?
        /// The URL of the origin itself.
        package var origin: String
        /// Its URL at this mirror.
        package var url: String
        package var recipes: [Recipe]

        package init(name: String, preset: String?, origin: String, url: String, recipes: [Recipe]) {
            self.name = name
            self.preset = preset
            self.origin = origin
            self.url = url
            self.recipes = recipes
        }
    }

    /// The configuration that points one client at the mirror.
    package struct Recipe: Codable, Sendable, Equatable {
        /// `pip`; names of several clients that read the same file are separated by commas.
        package var client: String
        /// The file that the lines belong in, as its manual names it, or `shell` for a command line.
        package var place: String
        /// Without a final line break.
        package var lines: String

        package init(client: String, place: String, lines: String) {
            self.client = client
            self.place = place
            self.lines = lines
        }
    }
}
