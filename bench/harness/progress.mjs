// One line on stderr that says what is going on: rewritten on a terminal, else a new one every few seconds.

const QUIET = 5000

/** Makes the line. `total` is the number of subjects that will be run. */
export const makeProgress = (total) => {
  const began = performance.now()
  let done = 0
  let told = -QUIET
  return {
    tell(text) {
      done++
      const now = performance.now()
      const line = `[${done}/${total}] ${Math.round((now - began) / 1000)} s · ${text}`
      if (process.stderr.isTTY) {
        process.stderr.write(`\r${line.slice(0, (process.stderr.columns ?? 80) - 1)}\u001B[K`)
      } else if (now - told >= QUIET) {
        told = now
        process.stderr.write(`${line}\n`)
      }
    },
    clear() {
      if (process.stderr.isTTY) process.stderr.write('\r\u001B[K')
    },
  }
}
