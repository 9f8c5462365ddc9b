/** Attack 8: variables by which the executable's runtime loads code, opens a debugger or writes files. */
import { existsSync, readFileSync } from "node:fs"
import { readdir, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { forAgent } from "../../scripts/build/doorkeeper.ts"
import { packageFolder } from "../../scripts/build/packages.ts"
import { makeFolder } from "../lab/folder.ts"
import { hasExecutable } from "../lab/machine.ts"
import { executable } from "../lab/plugin.ts"
import { run } from "../lab/run.ts"

const root = new URL("../..", import.meta.url).pathname
const runtime = process.arch === "arm64" ? "@oven/bun-linux-aarch64" : "@oven/bun-linux-x64"

/** Everything in the runtime that looks like a variable of it or of what it is made of; parts of texts among them. */
const variables = (): ReadonlyArray<string> => {
  const text = readFileSync(join(packageFolder(root, runtime), "bin/bun"), "latin1")
  return [...new Set(text.match(/(?:BUN|NODE|JSC|WTF|ICU|OPENSSL|SSL|UV|MALLOC|NPM)_\w+/g))]
}

/** A file that, where it is loaded, says so and leaves a trace. */
const makePreload = async (folder: string): Promise<string> => {
  const file = join(folder, "preload.js")
  await writeFile(file, `console.log("loaded"); require("node:fs").writeFileSync("${folder}/loaded", "")`)
  return file
}

const answer = /^\{"cniVersion":"1\.1\.0","supportedVersions":\[[^\]]*\]\}\n$/

/** The executable answers as ever, within the time, and leaves nothing in the folder. */
const isUnmoved = async (folder: string, env: Readonly<Record<string, string>>): Promise<void> => {
  const before = await readdir(folder)
  const { status, stdout, stderr } = await run(executable, [], {
    env: { CNI_COMMAND: "VERSION", ...env },
    cwd: folder,
    timeout: 5_000
  })
  assert.deepStrictEqual([status, stderr], [0, ""], Object.keys(env).slice(0, 4).join())
  assert.match(stdout, answer)
  assert.deepStrictEqual(await readdir(folder), before)
}

describe.skipIf(!hasExecutable)("attack 8: the executable is not moved by", () => {
  it("code to be loaded before its own", async () => {
    await using folder = await makeFolder("attack-8")
    const file = await makePreload(folder.path)
    await isUnmoved(folder.path, { BUN_INSPECT_PRELOAD: file })
    await isUnmoved(folder.path, { BUN_OPTIONS: `--preload ${file}`, BUN_BE_BUN: "1" })
  })

  it("a debugger to be waited for, or to be told of", async () => {
    await using folder = await makeFolder("attack-8")
    let connections = 0
    const server = createServer((socket) => {
      connections++
      socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(join(folder.path, "socket"), resolve))
    const debuggerUrl = `ws+unix://${folder.path}/debugger`
    await isUnmoved(folder.path, { BUN_INSPECT: `${debuggerUrl}?wait=1` })
    await isUnmoved(folder.path, { BUN_INSPECT: `${debuggerUrl}?break=1` })
    await isUnmoved(folder.path, { BUN_INSPECT: debuggerUrl, BUN_INSPECT_NOTIFY: `unix://${folder.path}/socket` })
    await isUnmoved(folder.path, { BUN_INSPECT_CONNECT_TO: `unix://${folder.path}/socket` })
    await new Promise((resolve) => server.close(resolve))
    assert.strictEqual(connections, 0)
  })

  it("files to be written", async () => {
    await using folder = await makeFolder("attack-8")
    for (const name of ["BUN_BYTECODE_ORDER_OUT", "BUN_BYTECODE_DIGEST_OUT", "BUN_BYTECODE_ORDER_NAMES_OUT"])
      await isUnmoved(folder.path, { [name]: join(folder.path, "written") })
    await isUnmoved(folder.path, { BUN_JSC_dumpOptions: "2" })
  })

  it("any variable that its runtime knows, all of them at once", async () => {
    await using folder = await makeFolder("attack-8")
    const file = await makePreload(folder.path)
    const names = variables()
    assert.isAbove(names.length, 300)
    assert.includeMembers([...names], ["BUN_INSPECT_PRELOAD", "BUN_OPTIONS"])
    await isUnmoved(folder.path, Object.fromEntries(names.map((name) => [name, file])))
    await isUnmoved(folder.path, Object.fromEntries(names.map((name) => [name, "1"])))
  })
})

const strace = "/usr/bin/strace"

describe.skipIf(!hasExecutable)("a CNI call", () => {
  it("never has memory that can be both written to and executed, whatever the environment is", async (context) => {
    if (!existsSync(strace)) context.skip(`there is no ${strace}`)
    await using folder = await makeFolder("attack-8")
    const trace = join(folder.path, "trace")
    const del = { CNI_COMMAND: "DEL", CNI_CONTAINERID: "c1", CNI_IFNAME: "net1", CNI_PATH: "/none" }
    for (const more of [{}, { BUN_JSC_useJIT: "1", HOME: "/root" }]) {
      const asked = ["-f", "-o", trace, "-e", "trace=mmap,mprotect,pkey_mprotect", executable]
      const stdin = JSON.stringify({ cniVersion: "1.0.0", name: "lan", type: "macvtap", master: "eth0" })
      const { status, stderr } = await run(strace, asked, { env: { ...del, ...more }, stdin })
      assert.deepStrictEqual([status, stderr], [0, ""])
      const protections = readFileSync(trace, "utf8").match(/PROT_\w+(?:\|PROT_\w+)*/g) ?? []
      // It has called the C library by then: code was mapped, and data.
      assert.includeMembers(protections, ["PROT_READ|PROT_EXEC", "PROT_READ|PROT_WRITE"])
      assert.deepStrictEqual(
        protections.filter((all) => all.includes("PROT_WRITE") && all.includes("PROT_EXEC")),
        []
      )
    }
  })

  it("is not told how the engine shall work, lest a word that it does not know ends it", async () => {
    await using folder = await makeFolder("attack-8")
    await isUnmoved(folder.path, { BUN_JSC_thresholdForX: "1" })
    await isUnmoved(folder.path, Object.fromEntries(forAgent.map((name) => [name.replace("=", ""), "none"])))
  })
})

describe.skipIf(!hasExecutable)("attack 8: the working directory", () => {
  it("has no files that are read", async () => {
    await using folder = await makeFolder("attack-8")
    const file = await makePreload(folder.path)
    await writeFile(join(folder.path, ".env"), `BUN_INSPECT_PRELOAD=${file}\nCNI_COMMAND=ADD\n`)
    await writeFile(join(folder.path, "bunfig.toml"), `preload = ["${file}"]\n`)
    await isUnmoved(folder.path, {})
  })

  it("is not what a relative path is meant from: such a path is refused", async () => {
    await using folder = await makeFolder("attack-8")
    const options = { env: { PWD: folder.path }, cwd: folder.path }
    const { status, stderr } = await run(executable, ["install", "--to", "no/such/folder"], options)
    assert.strictEqual(status, 2, stderr)
    assert.include(stderr, `--to is "no/such/folder", but must be an absolute path: "${folder.path}/no/such/folder"?`)
  })
})
