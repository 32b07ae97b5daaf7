// The report: one page with all tables, a chart for each benchmark, and the bare figures.

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { barChart } from './chart.mjs'
import { summaryTable } from './summary.mjs'
import { scenarioTable } from './table.mjs'

const machineText = (machine) =>
  [
    `Measured on ${machine.date}: ${machine.processor}, ${machine.cores} cores, ${machine.memory}, ${machine.kernel}, ` +
      `transparent huge pages “${machine.hugePages}”. The load when it began was ${machine.load.toFixed(2)}` +
      `${machine.load > 0.5 ? ': **others were using the machine, so these figures are noisy**' : ''}.`,
    '',
    `brood ${machine.brood}, built by ${machine.rustc.replace(/ \(.*/, '')}. Beside it: ${Object.entries(
      machine.versions,
    )
      .map(([name, version]) => `${name.replace(/-(\d+)$/, ' $1')} (${version})`)
      .join(', ')}.`,
  ].join('\n')

const section = (benchmark, chartName) =>
  [
    `## ${benchmark.title}`,
    '',
    benchmark.about,
    '',
    ...(chartName === undefined ? [] : [`![${benchmark.chart.title}](${chartName})`, '']),
    ...benchmark.scenarios.flatMap((scenario) => [
      `### ${scenario.title.charAt(0).toUpperCase()}${scenario.title.slice(1)}`,
      '',
      scenarioTable(scenario),
      '',
    ]),
    ...(benchmark.appendix === undefined ? [] : [benchmark.appendix.text, '']),
  ].join('\n')

const chartOf = ({ chart, scenarios }) =>
  barChart({
    ...chart,
    groups: scenarios.map(({ title, results }) => ({
      title,
      bars: results.map(({ name, figures }) => ({ name, value: figures?.[chart.key]?.median })),
    })),
  })

/** The report as text, for the terminal; links to charts are of no use there. */
export const reportText = (machine, report, withCharts = false) => {
  const summary = summaryTable(report)
  return [
    '# Benchmarks',
    '',
    machineText(machine),
    '',
    'Each figure is the median of interleaved rounds (A B C A B C …), every round in a process of its own, after a warm-up.',
    'The figure behind it says how many times the first line’s it is.',
    '',
    ...(summary === undefined ? [] : ['## In short, under Node 20', '', summary, '']),
    ...report.map((benchmark) => section(benchmark, withCharts ? `${benchmark.name}.svg` : undefined)),
  ].join('\n')
}

/** Writes the report into a directory. */
export const writeReport = (directory, machine, report) => {
  mkdirSync(directory, { recursive: true })
  // No chart of an earlier run stays behind among those of this one.
  for (const name of readdirSync(directory)) if (name.endsWith('.svg')) rmSync(join(directory, name))
  for (const benchmark of report) {
    const chart = chartOf(benchmark)
    if (chart !== undefined) writeFileSync(join(directory, `${benchmark.name}.svg`), chart)
  }
  writeFileSync(join(directory, 'README.md'), `${reportText(machine, report, true).trimEnd()}\n`)
  const bare = report.map(({ name, scenarios, appendix }) => ({
    name,
    scenarios: scenarios.map(({ title, parameters, rounds, results }) => ({ title, parameters, rounds, results })),
    ...(appendix === undefined ? {} : { appendix: appendix.figures }),
  }))
  writeFileSync(join(directory, 'figures.json'), `${JSON.stringify({ machine, benchmarks: bare }, null, 1)}\n`)
}
