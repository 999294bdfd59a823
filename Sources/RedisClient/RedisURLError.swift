/// What is wrong with the URL of a Redis server, and what to write instead. Repeats nothing of the URL but its database.
package struct RedisURLError: Error, Sendable, Hashable, CustomStringConvertible {
    package var description: String
}
