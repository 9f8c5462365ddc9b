import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { bothWays } from "../lab/call/node.ts"
import { documentOf, makeScene, ready } from "./scene.ts"

/** Words that run the program that follows with its streams redirected: `redirected(">/dev/full")`. */
const redirected = (how: string): ReadonlyArray<string> => ["sh", "-c", `exec "$@" ${how}`, "sh"]

describe.skipIf(!ready).each(bothWays)("%s: stdout", (_, program) => {
  it("that is full fails ADD, which takes back what it made", async () => {
    await using scene = await makeScene("e2-out", program)
    const { status, stderr } = await scene.call("ADD", { before: redirected(">/dev/full") })
    assert.strictEqual(status, 1)
    assert.include(stderr, "stdout")
    assert.deepStrictEqual(await scene.links(), [])
    assert.deepStrictEqual(await scene.reserved(), [])
    await scene.clear()
  })

  it("whose reader has gone fails ADD, which takes back what it made", async () => {
    await using scene = await makeScene("e2-out", program)
    const before = ["sh", "-c", '{ "$@"; echo "status $?" >&2; } | :', "sh"]
    const { stderr } = await scene.call("ADD", { before })
    assert.match(stderr, /status 1\b/)
    assert.deepStrictEqual(await scene.links(), [])
    assert.deepStrictEqual(await scene.reserved(), [])
    await scene.clear()
  })

  it("that is closed: success with everything, or failure with nothing", async () => {
    await using scene = await makeScene("e2-out", program)
    const { status } = await scene.call("ADD", { before: redirected(">&-") })
    assert.lengthOf(await scene.links(), status === 0 ? 1 : 0)
    assert.lengthOf(await scene.reserved(), status === 0 ? 1 : 0)
    await scene.clear()
  })
})

describe.skipIf(!ready).each(bothWays)("%s: words for people that nobody can take", (_, program) => {
  const debug = { logLevel: "debug" }

  it.each(["full", "closed"])("stderr that is %s does not disturb ADD and DEL", async (kind) => {
    await using scene = await makeScene("e2-err", program)
    const before = redirected(kind === "closed" ? "2>&-" : "2>/dev/full")
    const added = await scene.call("ADD", { before, config: debug })
    assert.strictEqual(added.status, 0, added.stdout)
    documentOf(added)
    assert.lengthOf(await scene.links(), 1)
    await scene.clear({ before, config: debug })
  })

  it("a logFile that takes no byte does not disturb ADD and DEL", async () => {
    await using scene = await makeScene("e2-log", program)
    const config = { ...debug, logFile: "/dev/full" }
    const added = await scene.call("ADD", { config })
    assert.strictEqual(added.status, 0, added.stdout)
    documentOf(added)
    await scene.clear({ config })
  })

  it("a logFile on a full disk does not disturb ADD and DEL", async () => {
    await using scene = await makeScene("e2-log", program)
    const disk = join(scene.folder, "disk")
    await mkdir(disk)
    const config = { ...debug, logFile: join(disk, "log") }
    const filling = `mount -t tmpfs -o size=4k tmpfs ${disk} && head -c 4096 /dev/zero > ${disk}/fill; exec "$@"`
    const before = ["unshare", "--mount", "sh", "-c", filling, "sh"]
    const added = await scene.call("ADD", { config, before })
    assert.strictEqual(added.status, 0, added.stdout + added.stderr)
    documentOf(added)
    await scene.clear({ config, before })
  })
})
