/** Takes over claims that are over, in lockstep with another: `fork(file, [name, folder, count, start])` answers which it got. */
import { openSync } from "node:fs"
import { claim } from "../../src/live/device/claims.ts"
import { O_PATH } from "../../src/live/system/libc.ts"
import { rootAt } from "../../src/live/system/root.ts"
import { stale } from "./staleClaim.ts"

const [, , name = "", folder = "", count = "", start = ""] = process.argv
const root = rootAt(openSync("/", O_PATH))
const mine = { alias: `macvtap-cni:lan/${name}/net1`, netnsID: `4:${name}`, netnsPath: `/run/netns/${name}` }
/** Milliseconds from one to the next: more than one takes. */
const step = 0.15

const got: Array<boolean> = []
for (let index = 0; index < Number(count); index++) {
  const due = Number(start) + index * step
  while (performance.timeOrigin + performance.now() < due) {
    // In step with the other, as no timer is.
  }
  const number = `246:${index}`
  got.push(claim(root, folder, number, mine, { number, attachment: stale, isLinked: () => false }) === undefined)
}
process.send?.(got)
