// Figures as a reader wants them.

const round = (value) => {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(value >= 100 ? 3 : 2)))
}

const UNITS = {
  us: (value) => (value >= 10_000 ? `${round(value / 1000)} ms` : `${round(value)} µs`),
  ms: (value) => (value >= 10_000 ? `${round(value / 1000)} s` : `${round(value)} ms`),
  s: (value) => `${round(value)} s`,
  rate: (value) => `${round(value)}/s`,
  speed: (value) => `${round(value)} MB/s`,
  bytes: (value) => (value >= 1e6 ? `${round(value / 1e6)} MB` : `${round(value / 1e3)} kB`),
  times: (value) => `${round(value)}×`,
  count: (value) => round(value),
}

/** A figure with its unit. */
export const format = (value, unit) => (Number.isFinite(value) ? UNITS[unit](value) : '–')

/** How many times a figure is the reference. */
export const ratio = (value, reference) => {
  if (!Number.isFinite(value) || !Number.isFinite(reference) || reference === 0) return ''
  return `${round(value / reference)}×`
}
