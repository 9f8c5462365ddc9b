/**
 * Run by a test: `node strand.ts <netns> <stay|drop>` reads a sysctl inside the namespace, then says where it is. With
 * `drop` it gives up all privileges inside, so that there is no way back.
 */
import { openSync, readlinkSync } from "node:fs"
import { identify, inside } from "../../src/live/netns/enter.ts"

const [path = "", what] = process.argv.slice(2)
const where = (): string => readlinkSync("/proc/thread-self/ns/net")
const home = where()
const fd = openSync(path, "r")
const netns = { path, fd, id: identify(fd) }

/** What a step inside the namespace comes to. */
const outcome = (step: () => void): string => {
  try {
    inside(netns, step)
    return "done"
  } catch (thrown) {
    return thrown instanceof Error ? thrown.name : String(thrown)
  }
}

let ran = 0
const first = outcome(() => {
  ran++
  if (what === "drop") process.setuid?.(65534)
})
const second = outcome(() => void ran++)
process.stdout.write(JSON.stringify({ first, second, ran, home: where() === home }))
