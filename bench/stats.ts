/** Medians of samples, and ratios of samples that were taken in pairs. */

/** The value below which the share of the samples lies, between the two nearest ones where it falls between them. */
export const quantile = (samples: ReadonlyArray<number>, share: number): number => {
  const sorted = [...samples].sort((a, b) => a - b)
  const place = (sorted.length - 1) * share
  const low = sorted[Math.floor(place)] ?? Number.NaN
  const high = sorted[Math.ceil(place)] ?? Number.NaN
  return low + (high - low) * (place - Math.floor(place))
}

export const median = (samples: ReadonlyArray<number>): number => quantile(samples, 0.5)

export interface Summary {
  readonly median: number
  /** Of ten samples one is below, one above. */
  readonly p10: number
  readonly p90: number
  readonly runs: number
}

export const summarize = (samples: ReadonlyArray<number>): Summary => ({
  median: median(samples),
  p10: quantile(samples, 0.1),
  p90: quantile(samples, 0.9),
  runs: samples.length
})

export interface Ratio {
  /** The median of the pairs' ratios, not the ratio of the medians: what slows both samples of a pair cancels out. */
  readonly ratio: number
  /** The ratio's 95 % confidence interval, by order statistics: no assumption on how times are distributed. */
  readonly low: number
  readonly high: number
}

/** `one[i]` and `other[i]` were taken in the same round. */
export const pairedRatio = (one: ReadonlyArray<number>, other: ReadonlyArray<number>): Ratio => {
  const ratios = one.map((value, index) => value / (other[index] ?? Number.NaN)).sort((a, b) => a - b)
  const reach = 0.98 * Math.sqrt(ratios.length)
  const at = (rank: number): number => ratios[Math.min(Math.max(Math.round(rank), 0), ratios.length - 1)] ?? Number.NaN
  return {
    ratio: median(ratios),
    low: at((ratios.length - 1) / 2 - reach),
    high: at((ratios.length - 1) / 2 + reach)
  }
}
