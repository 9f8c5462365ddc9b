/** A log that nobody reads: what stays up must not wait for its reader. */
import { closeSync, constants, openSync, readFileSync, readSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { makeLogStream } from "../../src/live/process/logStream.ts"
import { pipe } from "../../src/live/system/libc.ts"
import { canRunAgent, makeAgentNode } from "../lab/agentNode.ts"
import { makeFolder } from "../lab/folder.ts"
import { must } from "../lab/run.ts"

/** What lies in a pipe. */
const taken = (fd: number): string => {
  const buffer = Buffer.alloc(1024 * 1024)
  let size = 0
  try {
    for (let more = 1; more > 0; size += more) more = readSync(fd, buffer, size, buffer.length - size, null)
  } catch (thrown) {
    assert.include(String(thrown), "EAGAIN")
  }
  return buffer.toString("utf8", 0, size)
}

describe("a log into a pipe that nobody reads (Linux)", () => {
  it.each([
    ["short lines", 100, 3000],
    ["lines longer than the pipe takes at once", 9000, 40]
  ])("takes what it can, and tells how many were lost: %s", (_, length, count) => {
    const [reader, writer] = pipe()
    try {
      const log = makeLogStream(writer)
      const line = "x".repeat(length)
      for (let i = 0; i < count; i++) log(`${line}\n`)
      const before = taken(reader)
      log("and now\n")
      const lines = `${before}${taken(reader)}`.split("\n")
      const whole = lines.filter((one) => one === line).length
      assert.isAbove(whole, 3)
      assert.isBelow(whole, count)
      assert.deepStrictEqual(lines.slice(-2), ["and now", ""])
      assert.deepInclude(JSON.parse(lines.at(-3) ?? ""), {
        level: "warning",
        message: `${count - whole} lines of this log were lost: there was no room for them`
      })
    } finally {
      closeSync(reader)
      closeSync(writer)
    }
  })
})

it("a log on a disk that is full for a while tells how many lines were lost", async () => {
  await using folder = await makeFolder("log")
  const fd = openSync("/dev/full", "w")
  const log = makeLogStream(fd)
  log("one\n")
  log("two\n")
  closeSync(fd)
  const file = join(folder.path, "log")
  const again = openSync(file, "w")
  try {
    assert.strictEqual(again, fd)
    log("three\n")
    const [told = "", ...rest] = readFileSync(file, "utf8").split("\n")
    assert.include(JSON.parse(told), { message: "2 lines of this log were lost: there was no room for them" })
    assert.deepStrictEqual(rest, ["three", ""])
  } finally {
    closeSync(again)
  }
})

describe.skipIf(!canRunAgent)("the agent (a C compiler, root and macvtap)", () => {
  it("answers calls however full the pipe of its log is", { timeout: 60_000 }, async () => {
    await using agent = await makeAgentNode()
    await using folder = await makeFolder("log")
    const log = join(folder.path, "log")
    await must("mkfifo", [log])
    const reader = openSync(log, constants.O_RDWR | constants.O_NONBLOCK)
    try {
      await agent.folder.start({ log, args: ["--log-level", "debug"] })
      // A pipe has 64 KiB, a line some 200 bytes.
      for (let i = 0; i < 500; i++) assert.strictEqual((await agent.node.call("STATUS")).status, 0)
      const lines = taken(reader).split("\n")
      assert.include(lines[0], "listens on")
      assert.isBelow(lines.length, 450, "the pipe was full")
      await agent.node.call("STATUS")
      assert.match(taken(reader), /\d+ lines of this log were lost/)
    } finally {
      closeSync(reader)
    }
  })
})
