// Bar charts as SVG, readable on a light and on a dark page.

import { format } from './format.mjs'

const WIDTH = 760
const LEFT = 210
const BAR = 16
const STEP = 22

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 14px }
  .group { font-weight: 600 }
  .note { fill: #57606a }
  .bar { fill: #8c959f }
  .ours { fill: #1a7f37 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .note { fill: #9198a1 }
    .bar { fill: #6e7681 }
    .ours { fill: #3fb950 }
  }`

/** How long a bar is: the logarithm where the figures are far apart, because a bar of no length says nothing. */
const scale = (values, room) => {
  const most = Math.max(...values)
  const least = Math.min(...values)
  if (most / least <= 50) return { length: (value) => (value / most) * room, isLogarithmic: false }
  const floor = Math.log10(least) - 0.5
  return { length: (value) => ((Math.log10(value) - floor) / (Math.log10(most) - floor)) * room, isLogarithmic: true }
}

/**
 * One chart: groups of bars, all on one scale.
 *
 * @param chart - `groups` of `{ title, bars: [{ name, value }] }`; bars of brood are those whose name says so.
 */
export const barChart = ({ title, unit, better, groups }) => {
  const drawn = groups
    .map((group) => ({ ...group, bars: group.bars.filter(({ value }) => Number.isFinite(value) && value > 0) }))
    .filter(({ bars }) => bars.length > 0)
  if (drawn.length === 0) return undefined
  const { length, isLogarithmic } = scale(
    drawn.flatMap(({ bars }) => bars.map(({ value }) => value)),
    WIDTH - LEFT - 90,
  )
  const parts = []
  let y = 44
  for (const { title: groupTitle, bars } of drawn) {
    parts.push(`<text class="group" x="12" y="${y + 12}">${escape(groupTitle)}</text>`)
    y += STEP
    for (const { name, value } of bars) {
      const width = Math.max(1, length(value)).toFixed(1)
      const kind = name.startsWith('brood') ? 'ours' : 'bar'
      parts.push(
        `<text x="${LEFT - 8}" y="${y + 12}" text-anchor="end">${escape(name)}</text>`,
        `<rect class="${kind}" x="${LEFT}" y="${y}" width="${width}" height="${BAR}" rx="2"/>`,
        `<text x="${(LEFT + Number(width) + 6).toFixed(1)}" y="${y + 12}">${escape(format(value, unit))}</text>`,
      )
      y += STEP
    }
    y += 8
  }
  const note = `${better} is better${isLogarithmic ? ' · logarithmic scale' : ''}`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img">`,
    `<title>${escape(title)}</title>`,
    `<style>${STYLE}\n</style>`,
    `<text class="title" x="12" y="22">${escape(title)}</text>`,
    `<text class="note" x="${WIDTH - 12}" y="22" text-anchor="end">${note}</text>`,
    ...parts,
    '</svg>\n',
  ].join('\n')
}
