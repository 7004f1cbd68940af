// Measures the paged table and its kernels: `TableBench <train|lookup|publish|score|arrivals|kernels> [--name value]`.

import Glibc

struct Options {
  private let arguments: [String]
  init(_ arguments: [String]) { self.arguments = arguments }

  subscript(name: String, fallback: Int) -> Int {
    guard let place = arguments.firstIndex(of: "--" + name), place + 1 < arguments.count else {
      return fallback
    }
    guard let value = Int(arguments[place + 1]) else {
      print("--\(name) wants a number, not \(arguments[place + 1])")
      exit(2)
    }
    return value
  }
}

@main
enum TableBench {
  static func main() {
    let options = Options(Array(CommandLine.arguments.dropFirst()))
    switch CommandLine.arguments.dropFirst().first {
    case "train": trainingBenchmark(options)
    case "lookup": lookupBenchmark(options)
    case "publish": publishBenchmark(options)
    case "score": scoringBenchmark(options)
    case "arrivals": arrivalsBenchmark(options)
    case "kernels": kernelBenchmark(options)
    default:
      print(
        "usage: TableBench train|lookup|publish|score|arrivals|kernels [--rows N] [--ms N] [--reps N] ...")
      exit(2)
    }
  }
}
