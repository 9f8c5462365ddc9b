/** Delays that fall on every stage of a call: from its first instant to a little after its end. */
import { performance } from "node:perf_hooks"

/** How long a call takes here and now, in seconds: the middle one of three. */
export const duration = async (call: () => Promise<unknown>): Promise<number> => {
  const found: Array<number> = []
  for (let i = 0; i < 3; i++) {
    const start = performance.now()
    await call()
    found.push((performance.now() - start) / 1000)
  }
  return found.sort((a, b) => a - b)[1] ?? 0
}

/** `count` delays in seconds, evenly spread over `whole` seconds and a fifth more. */
export const delays = (count: number, whole: number): ReadonlyArray<number> =>
  Array.from({ length: count }, (_, i) => (whole * 1.2 * (i + 0.5)) / count)

/** Words that run a program and send it a signal after `delay` seconds; its children, if any, get none. */
export const signalled = (signal: "KILL" | "TERM", delay: number): ReadonlyArray<string> => [
  "timeout",
  "--foreground",
  `--signal=${signal}`,
  delay.toFixed(5)
]

/** Does both at once: the call, and after `delay` seconds what befalls it. */
export const during = async <A>(call: Promise<A>, delay: number, befall: () => PromiseLike<unknown>): Promise<A> => {
  await new Promise((resolve) => setTimeout(resolve, delay * 1000))
  await befall()
  return call
}
