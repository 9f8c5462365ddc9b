/** So much of something at once, and so much in a second after that. */
export interface Allowance {
  /** How much may be taken now. */
  readonly left: () => number
  readonly take: () => void
}

/** `first` is what there is at the beginning, `most` after a long rest. */
export const makeAllowance = (first: number, perSecond: number, most: number): Allowance => {
  const state = { left: first, at: performance.now() }
  return {
    left: () => {
      const now = performance.now()
      state.left = Math.min(state.left + ((now - state.at) / 1000) * perSecond, most)
      state.at = now
      return state.left
    },
    take: () => {
      state.left--
    }
  }
}
