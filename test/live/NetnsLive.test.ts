import { execFileSync, spawn } from "node:child_process"
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import * as Effect from "effect/Effect"
import { assert, describe, it } from "vitest"
import { netnsLive } from "../../src/live/netns/NetnsLive.ts"
import { NetnsService } from "../../src/services/NetnsService.ts"
import { makeFolder } from "../lab/folder.ts"

/** What opening the path fails with. */
const refusal = (path: string) =>
  NetnsService.use(({ open }) => open(path)).pipe(
    Effect.flip,
    Effect.scoped,
    Effect.provide(netnsLive),
    Effect.runPromise
  )

describe("a path that is no network namespace", () => {
  it("is not there", async () => {
    await using folder = await makeFolder("live-netns")
    writeFileSync(`${folder.path}/file`, "")
    for (const path of [`${folder.path}/nosuch`, `${folder.path}/file/below`, ""]) {
      assert.deepInclude(await refusal(path), { _tag: "NetnsNotFound", path })
    }
  })

  it("is said to be what it is, and nothing is opened: a FIFO does not hang", async () => {
    await using folder = await makeFolder("live-netns")
    const at = (name: string): string => `${folder.path}/${name}`
    writeFileSync(at("empty"), "")
    writeFileSync(at("file"), "text")
    mkdirSync(at("folder"))
    symlinkSync("file", at("link"))
    execFileSync("mkfifo", [at("fifo")])
    const server = createServer().listen(at("socket"))
    await new Promise((listening) => server.once("listening", listening))
    const expected = {
      [at("empty")]: "an empty file",
      [at("file")]: "a regular file",
      [at("link")]: "a regular file",
      [at("folder")]: "a directory",
      [at("fifo")]: "a FIFO",
      [at("socket")]: "a socket",
      "/dev/null": "a character device",
      "/proc/cpuinfo": "a file of /proc",
      "/proc/self/ns/mnt": "a mount namespace",
      "/proc/self/ns/uts": "a UTS namespace",
      "/proc/self/ns/user": "a user namespace",
      "/proc/self/ns/pid": "a PID namespace",
      "/proc/self/ns/ipc": "an IPC namespace"
    }
    for (const [path, found] of Object.entries(expected)) {
      assert.deepInclude(await refusal(path), { _tag: "NotANetns", path, found })
    }
    server.close()
  })

  it("that `ip netns` has unmounted and not yet removed is gone", async () => {
    await using folder = await makeFolder("live-netns")
    mkdirSync(`${folder.path}/netns`)
    const path = `${folder.path}/netns/c1`
    writeFileSync(path, "")
    assert.deepInclude(await refusal(path), { _tag: "NetnsNotFound", path })
  })

  it("with a NUL byte is refused, not a defect", async () => {
    assert.deepInclude(await refusal("/run/netns/a\0b"), { _tag: "NetnsError", errno: "EINVAL" })
  })

  it("of a process that has ended is not there", async () => {
    const child = spawn("/bin/true")
    await new Promise((ended) => child.once("exit", ended))
    assert.deepInclude(await refusal(`/proc/${child.pid}/ns/net`), { _tag: "NetnsNotFound" })
  })
})
