import ArgumentParser

@main
struct Cowbird: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Online learning next to your service.")
}
