/** Attack 7: more than anybody needs: on stdin, from an IPAM plugin, and a log in a folder that somebody else leads away. */
import { spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { mkdir, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { bothWays, makeNode, names } from "../lab/call/node.ts"
import { assertError } from "../lab/call/wellFormed.ts"
import { makeFolder } from "../lab/folder.ts"
import { hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { attachmentEnv, executable } from "../lab/plugin.ts"

interface Ended {
  readonly stdout: string
  /** KiB, the largest that was seen: looked for every millisecond. */
  readonly peak: number
}

/** Calls the executable with that on stdin. */
const feed = (stdin: string): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const env = attachmentEnv("ADD", { containerID: "c", netns: "/run/netns/none" })
    const child = spawn(executable, [], { env, stdio: ["pipe", "pipe", "inherit"] })
    let peak = 0
    let stdout = ""
    const looking = setInterval(() => {
      try {
        const status = readFileSync(`/proc/${child.pid}/status`, "latin1")
        peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0))
      } catch {
        // It has ended.
      }
    }, 1)
    child.stdout.on("data", (chunk) => {
      stdout += chunk
    })
    child.on("error", reject)
    child.on("close", () => {
      clearInterval(looking)
      resolve({ stdout, peak })
    })
    // What it does not take it need not take.
    child.stdin.on("error", () => {})
    child.stdin.end(stdin)
  })

describe.skipIf(!hasExecutable)("attack 7: a configuration", () => {
  it.each([
    ["15 MB of []", `[${"[],".repeat(5_000_000)}0]`],
    ["15 MB of [", "[".repeat(15_000_000)],
    ["1 MB of []", `{"name":"n","x":[${"[],".repeat(349_000)}0]}`]
  ])("of %s takes no memory to speak of", async (_, stdin) => {
    const small = await feed(`{"name":"n","cniVersion":"1.1.0","x":[]}`)
    const { stdout, peak } = await feed(stdin)
    assert.include([5, 6], assertError(stdout).code)
    assert.isBelow(peak, small.peak + 24 * 1024)
  })
})

describe.skipIf(!hasExecutable || !hasMacvtap).each(bothWays)(
  "%s: attack 7: an IPAM plugin that answers with",
  (_, program) => {
    const address = (n: number) => `{"address":"10.${n >> 16}.${(n >> 8) & 255}.${n & 255}/8"}`
    const list = (length: number, one: (n: number) => string) => Array.from({ length }, (_, n) => one(n)).join()
    const answers = {
      "20,000 addresses": [`"ips":[${list(20_000, address)}]`, "20000 addresses, where a link can have 256 at most"],
      "257 addresses": [`"ips":[${list(257, address)}]`, "257 addresses, where a link can have 256 at most"],
      "20,000 routes": [
        `"ips":[${address(1)}],"routes":[${list(20_000, (n) => `{"dst":"11.0.${n >> 8}.${n & 255}/32"}`)}]`,
        "20000 routes, where a link can have 1024 at most"
      ],
      "2 MiB": [`"ips":[${address(1)}],"x":"${"x".repeat(2 * 1024 * 1024)}"`, "EFBIG"]
    } as const

    it.each(Object.entries(answers))("%s is refused at once, and nothing stays", async (_, [content, words]) => {
      await using node = await makeNode(program)
      await using folder = await makeFolder("attack-7")
      await writeFile(join(folder.path, "answer"), `{"cniVersion":"1.1.0",${content}}`)
      await writeFile(join(folder.path, "vast"), `#!/bin/sh\ncat ${folder.path}/answer\n`, { mode: 0o755 })
      const began = Date.now()
      const error = await node.fails("ADD", { path: folder.path, conf: { ipam: { type: "vast" } } })
      assert.isBelow(Date.now() - began, 2_000)
      assert.include(`${error.msg} ${error.details ?? ""}`, words)
      assert.deepStrictEqual(await names(node.pod), ["lo"])
    })
  }
)

describe.skipIf(!hasExecutable || !hasMacvtap).each(bothWays)("%s: attack 7: a logFile", (_, program) => {
  it("is not written to where a folder on its way is a symbolic link", async () => {
    await using node = await makeNode(program)
    await using folder = await makeFolder("attack-7")
    const at = (name: string) => join(folder.path, name)
    await mkdir(at("theirs"))
    await mkdir(at("ours"))
    await symlink(at("theirs"), at("ours/way"))
    const conf = { logFile: at("ours/way/some.log"), logLevel: "debug" }
    const { status, stderr } = await node.call("ADD", { conf })
    assert.strictEqual(status, 0)
    assert.include(stderr, "a part of it is a symbolic link")
    assert.deepStrictEqual(readdirSync(at("theirs")), [])
  })
})
