/**
 * An agent as systemd starts it: with the unit's rights, by the first call on the socket that systemd holds, where the next one
 * finds it; and the same without one right or another.
 */
import { existsSync, readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { canRunAgent, makeAgentNode } from "../lab/agentNode.ts"
import { names } from "../lab/call/node.ts"
import { startDaemon } from "../lab/daemon.ts"
import { executable } from "../lab/plugin.ts"
import { nodeStatus, tapNode } from "../lab/tap.ts"

const activate = "/usr/bin/systemd-socket-activate"

const environment = { PATH: process.env["PATH"] ?? "" }

const unit = readFileSync("deploy/systemd/macvtap-agent.service", "utf8")

/** `net_admin`, as setpriv(1) writes it. */
const capabilities = (/^CapabilityBoundingSet=(.*)$/m.exec(unit)?.[1] ?? "")
  .toLowerCase()
  .replaceAll("cap_", "")
  .split(" ")

/** Words that run a program with these capabilities and no other. */
const limited = (kept: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...["setpriv", "--no-new-privs", "--inh-caps=-all"],
  `--bounding-set=-all${kept.map((name) => `,+${name}`).join("")}`
]

/** Words that run a program where nothing can be written to but /dev, /proc and /sys: ProtectSystem=strict. */
const protectedSystem: ReadonlyArray<string> = [
  ...["unshare", "--mount", "--propagation", "private", "sh", "-ec"],
  `for at in $(awk '$2 !~ "^/(dev|proc|sys)(/|$)" { print $2 }' /proc/self/mounts); do mount -o remount,bind,ro "$at"; done
  if touch /tmp/protected 2>/dev/null; then exit 1; fi
  exec "$@"`,
  "sh"
]

describe.skipIf(!canRunAgent || !existsSync(activate))(`socket activation (${activate})`, () => {
  it("starts an agent by the first call; no call is lost between two agents", async () => {
    await using agent = await makeAgentNode()
    const words = ["--seqpacket", `--listen=${agent.folder.socket}`, executable, "agent"]
    const { node } = agent
    {
      await using first = startDaemon(activate, words, { env: environment })
      await first.line(/Listening on/, 10_000)
      await node.add()
      await first.line(/listens on the socket that it was given/, 10_000)
      // It leaves the socket where it is.
      process.kill(first.pid, "SIGTERM")
      assert.strictEqual(await first.ended, 0)
    }
    await using next = startDaemon(activate, words, { env: environment })
    await next.line(/Listening on/, 10_000)
    await node.silent("DEL")
  })

  it("works with what the unit allows", async () => {
    assert.include(unit, "ProtectSystem=strict\n")
    await using agent = await makeAgentNode()
    const words = ["--seqpacket", `--listen=${agent.folder.socket}`]
    const command = [...protectedSystem, ...limited(capabilities), executable, "agent"]
    await using daemon = startDaemon(activate, [...words, ...command], { env: environment })
    await daemon.line(/Listening on/, 10_000)
    await agent.node.add()
    const link = await agent.node.link()
    assert.include(link === undefined ? {} : await nodeStatus(tapNode(link)), { uid: 107, gid: 107, mode: 0o660 })
    await agent.node.silent("GC", { conf: { name: `none-${process.pid}`, "cni.dev/valid-attachments": [] } })
    await agent.node.silent("DEL")
  })

  it("is what the unit asks for", () => {
    const socket = readFileSync("deploy/systemd/macvtap-agent.socket", "utf8")
    assert.include(socket, "ListenSequentialPacket=/run/macvtap-cni/agent.sock\n")
    assert.include(socket, "DirectoryMode=0700\n")
  })
})

describe.skipIf(!canRunAgent)("an agent without", () => {
  const rights = ["sys_admin", "net_admin", "mknod", "chown", "fowner"]

  it.each(["sys_admin", "net_admin"])("%s says that it cannot serve, and why; an ADD fails", async (left) => {
    await using agent = await makeAgentNode()
    await agent.folder.start({ before: limited(rights.filter((right) => right !== left)) })
    const { able, problem } = await agent.folder.status()
    assert.isFalse(able)
    assert.include(problem, `CAP_${left.toUpperCase()}`)
    await agent.node.fails("ADD")
    assert.deepStrictEqual(await names(agent.node.pod), ["lo"])
  })

  it.each(["chown", "fowner"])("%s leaves a tap root's, and says so", async (left) => {
    await using agent = await makeAgentNode()
    await agent.folder.start({ before: limited(rights.filter((right) => right !== left)) })
    assert.isTrue((await agent.folder.status()).able)
    const { status, stderr } = await agent.node.call("ADD")
    assert.strictEqual(status, 0)
    assert.match(stderr, /EPERM/)
    await agent.node.silent("DEL")
  })

  it("any other right makes taps as they are to be", async () => {
    await using agent = await makeAgentNode()
    await agent.folder.start({ before: limited(rights) })
    await agent.node.add()
    const link = await agent.node.link()
    assert.include(link === undefined ? {} : await nodeStatus(tapNode(link)), { uid: 107, gid: 107, mode: 0o660 })
    await agent.node.silent("DEL")
  })
})
