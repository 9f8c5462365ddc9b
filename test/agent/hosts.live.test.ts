/** Clients on hosts that have nothing but them, another C library, or another processor. */
import { existsSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import { buildClient } from "../../scripts/build/client.ts"
import type { Architecture } from "../../scripts/build/packages.ts"
import { type AgentNode, canRunAgent, makeAgentNode } from "../lab/agentNode.ts"
import { makeNode, names } from "../lab/call/node.ts"
import { makeStub, says } from "../lab/call/stub.ts"
import { ipAddresses } from "../lab/ip.ts"
import { must, run } from "../lab/run.ts"

const isX64 = process.arch === "x64"
const answer = `{"cniVersion":"1.0.0","ips":[{"address":"10.9.9.9/24"}]}`

/** IPAM plugins that a host without shells can run. */
const plugins = {
  "nothing but itself, and an IPAM plugin without a library": {
    source:
      `void _start(void) { static const char s[] = ${JSON.stringify(answer)}; long r;` +
      ' __asm__ volatile("syscall" : "=a"(r) : "a"(1L), "D"(1L), "S"(s), "d"(sizeof s - 1) : "rcx", "r11", "memory");' +
      ' __asm__ volatile("syscall" : "=a"(r) : "a"(231L), "D"(0L) : "rcx", "r11", "memory"); for (;;); }',
    compiler: "/usr/bin/gcc",
    flags: ["-static", "-nostdlib"],
    libraries: []
  },
  "Alpine's C library, musl, and an IPAM plugin that needs it": {
    source: `#include <stdio.h>\nint main(void) { return puts(${JSON.stringify(answer)}) < 0; }`,
    compiler: "/usr/bin/musl-gcc",
    flags: [],
    libraries: ["/lib/ld-musl-x86_64.so.1"]
  }
} as const

/** Runs the client in a root of its own, made anew for the call: `/bin/macvtap`, `/bin/ipam` and the libraries. */
const callInRoot = async ({ node, folder }: AgentNode, root: string, command: string) => {
  const script =
    'mount --bind "$1" "$1/root$1" && touch "$1/root/netns/pod" && mount --bind "$2" "$1/root/netns/pod" && ' +
    'cp "$1/macvtap" "$1/root/bin/macvtap" && shift 2 && exec "$@"'
  const inRoot = ["nsenter", `--net=${node.host.path}`, "chroot", root, "/bin/macvtap"]
  return run("unshare", ["--mount", "sh", "-ec", script, "sh", folder.path, node.pod.path, ...inRoot], {
    env: {
      PATH: process.env["PATH"] ?? "",
      CNI_COMMAND: command,
      CNI_CONTAINERID: "bare",
      CNI_NETNS: "/netns/pod",
      CNI_IFNAME: "net1",
      CNI_PATH: "/bin"
    },
    stdin: JSON.stringify({ ...node.network, cniVersion: "1.0.0", ipam: { type: "ipam" } })
  })
}

const roots = Object.entries(plugins).map(([what, plugin]) => {
  const missing = [plugin.compiler, ...plugin.libraries].filter((file) => !existsSync(file))
  return [what, plugin, missing] as const
})

describe.skipIf(!canRunAgent || !isX64)("a client in a root with", () => {
  it.for(roots)("%s: ADD and DEL", async ([, plugin, missing], context) => {
    if (missing.length > 0) context.skip(`there is no ${missing.join(", ")} (Debian: musl-tools)`)
    const { source, compiler, flags, libraries } = plugin
    await using agent = await makeAgentNode()
    await agent.folder.start()
    const { node, folder } = agent
    const root = join(folder.path, "root")
    await must("mkdir", ["-p", `${root}/bin`, `${root}/lib`, `${root}/netns`, `${root}${folder.path}`])
    await writeFile(join(folder.path, "ipam.c"), source)
    await must(compiler, ["-O1", ...flags, "-o", `${root}/bin/ipam`, join(folder.path, "ipam.c")])
    for (const library of libraries) await must("cp", ["-L", library, `${root}${library}`])
    const added = await callInRoot(agent, root, "ADD")
    assert.strictEqual(added.status, 0, added.stdout + added.stderr)
    assert.strictEqual(JSON.parse(added.stdout).interfaces[0].sandbox, "/netns/pod")
    assert.include(await node.pod.ip("address show net1"), "10.9.9.9/24")
    const deleted = await callInRoot(agent, root, "DEL")
    assert.deepStrictEqual([deleted.status, deleted.stdout], [0, ""], deleted.stderr)
    assert.deepStrictEqual(await names(node.pod), ["lo"])
  })
})

/** What qemu-user stands in for, what it and the compiler need, and how it is started. */
const processors: ReadonlyArray<readonly [string, Architecture, ReadonlyArray<string>, ReadonlyArray<string>]> = [
  ["the first of x86-64", "x64", ["/usr/bin/qemu-x86_64-static", "-cpu", "Opteron_G1"], []],
  ["one of arm64", "arm64", ["/usr/bin/qemu-aarch64-static"], ["/usr/aarch64-linux-gnu/include/asm/unistd.h"]]
]

describe.skipIf(!canRunAgent || !isX64)("a client on a processor that is", () => {
  it.for(processors)("%s, interpreted by qemu-user: VERSION, ADD with IPAM, and DEL", async (processor, context) => {
    const [, target, qemu, needs] = processor
    const missing = [qemu[0] ?? "", ...needs].filter((file) => !existsSync(file))
    if (missing.length > 0) context.skip(`there is no ${missing.join(", ")} (qemu-user-static, gcc-aarch64-linux-gnu)`)
    await using agent = await makeAgentNode()
    await using stub = await makeStub({ ADD: says(answer) })
    await agent.folder.start()
    const client = join(agent.folder.path, "macvtap-there")
    const root = fileURLToPath(new URL("../..", import.meta.url))
    const define = { AGENT_SOCKET: agent.folder.socket }
    assert.isUndefined(buildClient({ root, target, here: "x64", out: client, define }))
    const [program = "", ...options] = qemu
    const version = await run(program, [...options, client], { env: { CNI_COMMAND: "VERSION" } })
    assert.include(JSON.parse(version.stdout).supportedVersions, "1.1.0")
    await using node = await makeNode([...qemu, client])
    const call = { path: stub.path, conf: { cniVersion: "1.0.0", ipam: { type: "stub" } } }
    await node.add(call)
    assert.deepStrictEqual(await names(node.pod), ["lo", "net1"])
    assert.include(
      (await ipAddresses(node.pod.name, "net1")).map(({ local }) => local),
      "10.9.9.9"
    )
    await node.silent("DEL", call)
    assert.deepStrictEqual(await names(node.pod), ["lo"])
    assert.deepStrictEqual(await stub.calls(), ["ADD", "DEL"])
  })
})
