import ArgumentParser
@main struct CloudMirrorCommand: ParsableCommand { }
