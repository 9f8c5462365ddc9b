import { copyFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { makeAgentFolder } from "../lab/agent.ts"
import { hasExecutable, hasMacvtap } from "../lab/machine.ts"
import { executable } from "../lab/plugin.ts"
import { run } from "../lab/run.ts"

const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }

/** What the doctor says of plugin and agent, with the folder's name left out. */
const says = async (folder: string): Promise<ReadonlyArray<string>> => {
  const { stdout, stderr } = await run(executable, ["doctor", "--json", "--cni-bin", folder], { env })
  const { findings } = JSON.parse(
    stdout || `{"findings":[{"check":"agent","status":"","says":${JSON.stringify(stderr)}}]}`
  )
  return findings
    .filter(({ check }: { check: string }) => check === "agent")
    .map(({ status, says: words, todo }: Record<string, string>) =>
      `${status}: ${words}${todo ? `; ${todo}` : ""}`.replaceAll(folder, "")
    )
}

describe.skipIf(!hasMacvtap || !hasExecutable)("doctor of a node with a client", () => {
  it("asks the agent, and makes a call through the client", { timeout: 60_000 }, async (context) => {
    const made = await makeAgentFolder("doctor-agent")
    if (typeof made === "string") return context.skip(`no client: ${made}`)
    await using folder = made
    assert.deepStrictEqual(await says(folder.path), [
      'wrong: none answers on /agent.sock: ENOENT; every call fails, with code 11; start "macvtap agent"'
    ])
    await copyFile(executable, join(folder.path, "macvtap-standalone"))
    assert.deepStrictEqual(await says(folder.path), [
      'note: none answers on /agent.sock: ENOENT; each call starts an engine of its own; start "macvtap agent"'
    ])
    const agent = await folder.start({ args: ["--calls", "7", "--waiting", "9", "--time-limit", "11"] })
    const [first = "", ...more] = await says(folder.path)
    assert.match(
      first,
      /^fine: version 0\.1\.0 \(process \d+\) answers on \/agent\.sock: at most 7 calls at once, 9 waiting, 11 s each; now 0, 0 waiting$/
    )
    assert.deepStrictEqual(more, ["fine: a call through /macvtap is answered"])
    process.kill(agent.pid, "SIGSTOP")
    assert.match(
      (await says(folder.path))[0] ?? "",
      /^note: none answers on \/agent\.sock: it does not answer; each call/
    )
    process.kill(agent.pid, "SIGCONT")
  })

  it("tells of an agent that cannot serve", { timeout: 60_000 }, async (context) => {
    const made = await makeAgentFolder("doctor-agent")
    if (typeof made === "string") return context.skip(`no client: ${made}`)
    await using folder = made
    await folder.start({ before: ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"] })
    assert.match(
      (await says(folder.path))[0] ?? "",
      /^wrong: version 0\.1\.0 answers on \/agent\.sock, but cannot serve: .*CAP_SYS_ADMIN; look at its log, and at its rights/
    )
  })
})
