// Runs the proofs one after another and remembers what came of each.

/** A table of proofs. */
export const makeReport = () => {
  const rows = []
  return {
    /** Proves one thing; `prove` returns what is worth saying of it. */
    async prove(subject, detail, prove) {
      process.stderr.write(`• ${subject}: ${detail} …\n`)
      const start = performance.now()
      let result
      let failure
      try {
        result = await prove()
      } catch (error) {
        failure = error
        process.stderr.write(`${error.stack}\n`)
      }
      const time = `${((performance.now() - start) / 1000).toFixed(1)} s`
      rows.push({ subject, detail, verdict: failure ? 'FAILED' : 'ok', time, result: failure ? '' : (result ?? '') })
      return result
    },
    /** What was left out, and why. */
    skip: (subject, detail, reason) => rows.push({ subject, detail, verdict: 'not here', time: '', result: reason }),
    get hasFailed() {
      return rows.some(({ verdict }) => verdict === 'FAILED')
    },
    /** All of it, in columns. */
    toString() {
      const columns = ['subject', 'detail', 'verdict', 'time']
      const widths = columns.map((column) => Math.max(...rows.map((row) => row[column].length)))
      const line = (row) =>
        `${columns.map((column, index) => row[column].padEnd(widths[index])).join('  ')}  ${row.result}`
      return rows.map((row) => line(row).trimEnd()).join('\n')
    },
  }
}
