/// What is known about a use while the next one is awaited: a path `all > class > elsewhere > rate > age`.
package struct Context: Sendable, Hashable {
    /// Of the class, as its ``ClassList`` numbers them.
    package let artifactClass: UInt32
    /// The place below the class, see ``init(_:isElsewhere:rate:age:)``.
    package let place: UInt8

    /// Places below a class and the class itself: 1 + 2 + 2 * 8 + 2 * 8 * 6.
    static let places = 115
    /// The first place of a whole context.
    static let firstWhole = 19
    static let rates = 8
    static let ages = 6

    /// - Parameters:
    ///   - isElsewhere: Whether the last use was in another pool.
    ///   - rate: 0...7, see ``rate(uses:since:)``.
    ///   - age: 0...5, see ``age(_:)``.
    package init(_ artifactClass: UInt32, isElsewhere: Bool, rate: Int, age: Int) {
        self.artifactClass = artifactClass
        let rate = min(max(rate, 0), Self.rates - 1)
        let age = min(max(age, 0), Self.ages - 1)
        place = UInt8(Self.firstWhole + ((isElsewhere ? Self.rates : 0) + rate) * Self.ages + age)
    }

    init(_ artifactClass: UInt32, place: UInt8) {
        self.artifactClass = artifactClass
        self.place = min(place, UInt8(Self.places - 1))
    }

    /// A context as it was stored.
    ///
    /// - Parameter place: What is not the place of a whole context is taken for the nearest that is.
    package init(_ artifactClass: UInt32, stored place: UInt8) {
        self.init(artifactClass, place: max(place, UInt8(Self.firstWhole)))
    }

    /// The same of another class, or of the same one as another process calls it.
    package func of(_ artifactClass: UInt32) -> Context { Context(artifactClass, place: place) }

    package var isElsewhere: Bool { rateIndex >= Self.rates }
    package var rate: Int { rateIndex % Self.rates }
    package var age: Int { (Int(place) - Self.firstWhole) % Self.ages }

    private var rateIndex: Int { (Int(place) - Self.firstWhole) / Self.ages }

    /// The places from the class down to this one.
    var path: (artifactClass: Int, elsewhere: Int, rate: Int, age: Int) {
        (0, 1 + rateIndex / Self.rates, 3 + rateIndex, Int(place))
    }

    /// The places above one, the class first.
    static func ancestors(of place: Int) -> [Int] {
        var ancestors: [Int] = []
        var place = place
        while place > 0 {
            place = place >= firstWhole ? 3 + (place - firstWhole) / ages : place >= 3 ? 1 + (place - 3) / rates : 0
            ancestors.insert(place, at: 0)
        }
        return ancestors
    }

    /// How often an artifact is used: 0 for a first use, then 1 (every 40 minutes or more often) to 7, each four times as rare as the one before.
    ///
    /// - Parameters:
    ///   - uses: Before this one, in the same pool.
    ///   - span: Seconds since the first of them.
    package static func rate(uses: UInt32, since span: Double) -> Int {
        guard uses > 0 else { return 0 }
        let mean = max(60, span) / Double(uses) / 600
        var rate = 1
        var limit = 4.0
        while rate < rates - 1, mean >= limit {
            rate += 1
            limit *= 4
        }
        return rate
    }

    /// How long an artifact has been known.
    ///
    /// - Parameter age: Seconds since the first use in any pool.
    package static func age(_ age: Double) -> Int {
        switch age {
        case ...7_200: 0
        case ...43_200: 1
        case ...259_200: 2
        case ...864_000: 3
        case ...2_592_000: 4
        default: 5
        }
    }
}
