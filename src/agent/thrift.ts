/** When the agent gives memory back: an engine keeps what it once had, and a node has better uses for it. */

/** Calls after which it does so however busy it is: some milliseconds, in which calls wait. */
const often = 1000
/** Calls below which there is nothing worth the trouble. */
const few = 20
/** Milliseconds without a call, after which nobody minds. */
const quiet = 1000

export interface Thrift {
  /** To be told of each call's end. */
  readonly callEnded: () => void
}

export const makeThrift = (giveBack: () => void): Thrift => {
  let calls = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  const now = (): void => {
    clearTimeout(timer)
    calls = 0
    giveBack()
  }
  return {
    callEnded: () => {
      calls++
      clearTimeout(timer)
      if (calls >= often) now()
      else if (calls >= few) timer = setTimeout(now, quiet).unref()
    }
  }
}
