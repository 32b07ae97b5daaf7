// The four figures that matter most, side by side.

import { format, ratio } from './format.mjs'

const find = (report, name, wanted) =>
  report
    .find((benchmark) => benchmark.name === name)
    ?.scenarios.find(
      ({ key }) => key !== undefined && Object.entries(wanted).every(([field, value]) => key[field] === value),
    )

const figure = (scenario, start, key) =>
  scenario.results.find(({ name }) => name.startsWith(start))?.figures?.[key]?.median

/** brood and node:child_process under the same Node.js, at both sizes, with both kinds of stdio; or nothing. */
export const summaryTable = (report) => {
  const lines = []
  for (const stdio of ['ignore', 'pipe']) {
    for (const memory of ['little', 'much']) {
      const stop = find(report, 'stop', { stdio, memory })
      const rate = find(report, 'throughput', { stdio, memory, concurrency: 16 })
      if (stop === undefined || rate === undefined) return undefined
      const row = (start) => [
        figure(stop, start, 'stop50'),
        figure(stop, start, 'stop99'),
        figure(stop, start, 'exit50'),
        figure(rate, start, 'rate'),
      ]
      const units = ['us', 'us', 'us', 'rate']
      const [ours, theirs] = [row('brood, Node 20'), row('child_process, Node 20')]
      const where = `${stdio === 'ignore' ? 'ignored' : 'piped'}, ${memory === 'little' ? '~50 MB' : '1 GB'}`
      lines.push(
        `| ${where} | brood | ${ours.map((value, index) => format(value, units[index])).join(' | ')} |`,
        `| | child_process | ${theirs.map((value, index) => `${format(value, units[index])} (${ratio(value, ours[index])})`).join(' | ')} |`,
      )
    }
  }
  return [
    '| stdio, memory held | | stop p50 | stop p99 | spawn to exit p50 | spawns at 16 at once |',
    '| --- | --- | --: | --: | --: | --: |',
    ...lines,
  ].join('\n')
}
