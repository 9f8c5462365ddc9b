/** Moments of one process, told at its end on stderr: `[name, milliseconds since performance.timeOrigin]`. */
import { spent } from "./spent.ts"

const marks: Array<readonly [string, number]> = []

export const mark = (name: string): void => void marks.push([name, performance.now()])

/** One line, after everything else. */
export const tell = (): void => console.error(JSON.stringify({ origin: performance.timeOrigin, marks, spent }))
