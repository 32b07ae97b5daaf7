// npm run bench: installs, builds, measures brood beside everything a user would pick instead. `npm run bench -- NAME …`
// runs the benchmarks of those names alone, `--quick` a small part of each in about a minute. Only a whole run, not a quick
// one, is written to bench/results; any other goes to bench/results/partial, which is not kept.

import { build, install, root } from './setup.mjs'

install()
build()

// Imported now, because they resolve the package that was just built.
const { buildNative, engines, installPeers } = await import('../bench/harness/peers.mjs')
installPeers()
buildNative()
const { describeMachine } = await import('../bench/harness/machine.mjs')
const { makeProgress } = await import('../bench/harness/progress.mjs')
const { reportText, writeReport } = await import('../bench/harness/report.mjs')
const { measureScenario } = await import('../bench/harness/run.mjs')

const names = [
  'stop',
  'throughput',
  'latency',
  'living',
  'output',
  'libraries',
  'memory',
  'import',
  'tree',
  'table',
  'budget',
]
const isQuick = process.argv.includes('--quick')
const wanted = process.argv.slice(2).filter((argument) => argument !== '--quick')
const unknown = wanted.find((name) => !names.includes(name))
if (unknown !== undefined) {
  console.error(`There is no benchmark "${unknown}". There are: ${names.join(', ')}; and --quick.`)
  process.exit(1)
}

const chosen = wanted.length > 0 ? names.filter((name) => wanted.includes(name)) : names
const benchmarks = []
for (const name of chosen) benchmarks.push((await import(`../bench/benchmarks/${name}.mjs`)).default)

const machine = await describeMachine(root)
const planned = benchmarks.map((benchmark) => ({ ...benchmark, scenarios: benchmark.scenarios(isQuick) }))
const total = planned
  .flatMap(({ scenarios }) => scenarios)
  .reduce((sum, { rounds, competitors }) => sum + rounds * competitors.length, 0)
const progress = makeProgress(total)
const available = engines()

const report = []
for (const benchmark of planned) {
  const scenarios = []
  for (const scenario of benchmark.scenarios) {
    const results = await measureScenario(scenario, available, (round, { name }) =>
      progress.tell(`${benchmark.name}: ${scenario.title} · round ${round + 1} of ${scenario.rounds} · ${name}`),
    )
    scenarios.push({ ...scenario, results })
  }
  report.push({ ...benchmark, scenarios, appendix: benchmark.appendix?.() })
}
progress.clear()

const isWhole = !isQuick && wanted.length === 0
const directory = `bench/results${isWhole ? '' : '/partial'}`
writeReport(`${root}/${directory}`, machine, report)
console.log(reportText(machine, report))
console.log(`Charts and bare figures: ${directory}`)
