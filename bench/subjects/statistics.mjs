/** The value below which `share` of the samples lie. */
export const percentile = (samples, share) => {
  const sorted = Float64Array.from(samples).toSorted()
  return sorted[Math.min(sorted.length, Math.max(1, Math.ceil(sorted.length * share))) - 1]
}
