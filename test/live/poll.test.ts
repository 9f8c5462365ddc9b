/** Waiting for a descriptor, in this thread. */
import { spawn } from "node:child_process"
import { closeSync, openSync, writeSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "vitest"
import { hasMore } from "../../src/live/system/libc.ts"
import { makeFolder } from "../lab/folder.ts"
import { must } from "../lab/run.ts"

/** A FIFO whose both ends are ours. */
const makeFifo = async () => {
  const folder = await makeFolder("poll")
  const path = join(folder.path, "fifo")
  await must("mkfifo", [path])
  const fd = openSync(path, "r+")
  return {
    fd,
    [Symbol.asyncDispose]: async () => {
      closeSync(fd)
      await folder[Symbol.asyncDispose]()
    }
  }
}

it("lasts no longer than it is told, and ends with what comes", async () => {
  await using fifo = await makeFifo()
  const began = performance.now()
  assert.isFalse(hasMore(fifo.fd, 50))
  assert.isAbove(performance.now() - began, 45)
  writeSync(fifo.fd, "x")
  assert.isTrue(hasMore(fifo.fd, 60_000))
})

it("ends with a signal, without an error", async () => {
  await using fifo = await makeFifo()
  const heard = new Promise((resolve) => process.once("SIGUSR2", resolve))
  spawn("sh", ["-c", `sleep 0.2; kill -USR2 ${process.pid}`], { stdio: "ignore" })
  assert.isFalse(hasMore(fifo.fd, 20_000))
  await heard
})
