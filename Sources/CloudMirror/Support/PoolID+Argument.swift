public import ArgumentParser
public import MirrorCore

extension PoolID: ExpressibleByArgument {
    public init?(argument: String) {
        self.init(argument)
    }
}
