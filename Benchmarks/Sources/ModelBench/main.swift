// What members cost and what they reach.
//
//   swift run -c release ModelBench learn            examples a second: linear, machine, joint, the full ensemble
//   swift run -c release ModelBench score            microseconds for 1, 100 and 1,000 candidates
//   swift run -c release ModelBench recipe [rating|ids|binary] [factors] [members]     quality on ml-100k

let arguments = CommandLine.arguments.dropFirst()
switch arguments.first {
case "learn": LearnBench.run()
case "score": ScoreBench.run()
case "recipe": try RecipeBench.run(Array(arguments.dropFirst()))
default: print("usage: ModelBench learn | score | recipe [rating|ids|binary] [factors] [members,by,comma]")
}
