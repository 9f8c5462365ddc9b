import { execFileSync } from "node:child_process"
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import * as Result from "effect/Result"
import { assert, describe, it } from "vitest"
import { readBounded } from "../../src/devices/readBounded.ts"
import { makeFolder } from "../lab/folder.ts"

describe("a file that somebody else may have put there", () => {
  it("is read up to its limit", async () => {
    await using folder = await makeFolder("bounded")
    const path = `${folder.path}/file`
    writeFileSync(path, "größer")
    assert.deepStrictEqual(readBounded(path, 8), Result.succeed("größer"))
    assert.match(Result.getOrThrow(Result.flip(readBounded(path, 7))), /has more than the 7 bytes/)
    writeFileSync(path, "")
    assert.deepStrictEqual(readBounded(path, 0), Result.succeed(""))
    symlinkSync("file", `${folder.path}/link`)
    assert.deepStrictEqual(readBounded(`${folder.path}/link`, 7), Result.succeed(""))
  })

  it("is read up to its limit where it tells no size", () => {
    assert.include(Result.getOrThrow(readBounded("/proc/self/status", 1_000_000)), "Name:")
    assert.match(Result.getOrThrow(Result.flip(readBounded("/proc/self/status", 100))), /has more than the 100 bytes/)
  })

  it("may be absent", async () => {
    await using folder = await makeFolder("bounded")
    writeFileSync(`${folder.path}/file`, "")
    assert.deepStrictEqual(readBounded(`${folder.path}/none`, 1), Result.succeed(undefined))
    assert.deepStrictEqual(readBounded(`${folder.path}/file/none`, 1), Result.succeed(undefined))
  })

  it("is not opened where it is none: FIFO, socket, device, folder", async () => {
    await using folder = await makeFolder("bounded")
    const at = (name: string) => `${folder.path}/${name}`
    execFileSync("mkfifo", [at("fifo")])
    mkdirSync(at("folder"))
    const server = createServer().listen(at("socket"))
    await new Promise((resolve) => server.once("listening", resolve))
    const problem = (path: string) => Result.getOrThrow(Result.flip(readBounded(path, 1)))
    assert.strictEqual(problem(at("fifo")), "is a FIFO, but must be a regular file")
    assert.strictEqual(problem(at("folder")), "is a folder, but must be a regular file")
    assert.strictEqual(problem(at("socket")), "is a socket, but must be a regular file")
    assert.strictEqual(problem("/dev/zero"), "is a device, but must be a regular file")
    server.close()
  })
})
