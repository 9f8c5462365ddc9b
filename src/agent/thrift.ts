/** When the agent gives memory back: an engine keeps what it once had, and a node has better uses for it. */

/** Calls after which it does so at the next moment without a call: the next one may wait some milliseconds for it. */
const often = 1000
/** Calls after which it does so however busy it is. */
const most = 4000
/** Calls below which there is nothing worth the trouble. */
const few = 20
/**
 * Milliseconds without a call, after which nobody minds: the next one finds the executable's pages gone. While a node
 * starts pods, one after the other, there is a call in each of them.
 */
const quiet = 800

export interface Thrift {
  /** To be told of each call's end, with the number of those that go on. */
  readonly callEnded: (others: number) => void
}

export const makeThrift = (giveBack: () => void): Thrift => {
  let calls = 0
  let due = false
  let timer: ReturnType<typeof setTimeout> | undefined
  const now = (): void => {
    due = false
    calls = 0
    giveBack()
  }
  return {
    callEnded: (others) => {
      calls++
      if (due) return
      clearTimeout(timer)
      if (calls >= most || (calls >= often && others === 0)) {
        due = true
        // Whoever made the call that ends is yet to be told so.
        setImmediate(now)
      } else if (calls >= few) timer = setTimeout(now, quiet).unref()
    }
  }
}
