// Markdown tables.

import { format, ratio } from './format.mjs'

const row = (cells) => `| ${cells.join(' | ')} |`

/**
 * The table of one scenario: a line for each competitor, and for each metric its figure and how many times that of the
 * first competitor, which is brood, it is.
 */
export const scenarioTable = ({ metrics, results }) => {
  const reference = results.find(({ figures }) => figures !== undefined)?.figures
  const lines = [
    row(['', ...metrics.flatMap(({ label, plain }) => (plain ? [label] : [label, '']))]),
    row(['---', ...metrics.flatMap(({ plain }) => (plain ? ['--:'] : ['--:', '--:']))]),
  ]
  for (const { name, figures, failure } of results) {
    const cells = metrics.flatMap(({ key, unit, plain }) => {
      if (failure !== undefined) return plain ? ['–'] : ['–', '']
      const value = figures[key]?.median
      const cell = format(value, unit)
      return plain ? [cell] : [cell, ratio(value, reference?.[key]?.median)]
    })
    lines.push(row([failure === undefined ? name : `${name}: no figure (${failure.replaceAll('|', '/')})`, ...cells]))
  }
  return lines.join('\n')
}
