/** Descriptors have to be what they claim, and no path leads out of the client's root directory. */
import { assert, describe, it } from "vitest"
import { canRunAgent, makeAgentNode } from "../lab/agentNode.ts"
import { assertError } from "../lab/call/wellFormed.ts"
import { run } from "../lab/run.ts"
import { callDescriptors, callPacket, connect, type Handmade, nextPacket, sendCall, textsOf } from "./handmade.ts"

const env = "CNI_COMMAND=ADD\0CNI_CONTAINERID=c\0CNI_NETNS=/run/netns/x\0CNI_IFNAME=n\0CNI_PATH=/x\0"

type Change = (right: ReadonlyArray<number>, client: Handmade) => ReadonlyArray<number>

const swapped =
  (index: number, path: string): Change =>
  (right, { open }) =>
    right.map((fd, at) => (at === index ? open(path) : fd))

const cases: ReadonlyArray<readonly [name: string, Change, RegExp]> = [
  ["none", () => [], /a call has two descriptors/],
  ["too few", (right) => right.slice(0, 1), /a call has two descriptors/],
  ["too many", (right) => [...right, ...right], /a call has two descriptors/],
  ["a text that is a device", (right, { open }) => [...right, open("/dev/zero")], /EINVAL/],
  ["a text that is a directory", (right, { open }) => [...right, open("/proc")], /EINVAL/],
  ["a text that is shorter than its environment", (right, { text }) => [...right, text("CNI_")], /is longer/],
  ["a root that is a file", swapped(0, "/etc/hostname"), /no directory/],
  ["a network namespace that is a mount namespace", swapped(1, "/proc/self/ns/mnt"), /network namespace is none/],
  ["a network namespace that is a directory", swapped(1, "/"), /network namespace is none/]
]

describe.skipIf(!canRunAgent)("an agent (a C compiler, root and macvtap)", () => {
  it("refuses descriptors that are not what they claim", async () => {
    await using agent = await makeAgentNode()
    await agent.folder.start()
    for (const [name, change, words] of cases) {
      using client = connect(agent.folder.socket)
      sendCall(client, callPacket(env), change(callDescriptors(client), client))
      const packet = await nextPacket(client)
      assert.match(packet === "ended" ? packet : packet.text, words, name)
      assert.strictEqual(await nextPacket(client), "ended")
    }
    await agent.folder.idle()
  })

  it.each([
    ["a namespace is announced that was not sent", `0 ${env.length} macvtap\0${textsOf(env)}`, /CNI_NETNS is missing/],
    ["the text is shorter than the environment", `2 ${env.length} macvtap\0CNI_`, /is longer/],
    ["there is no text", `2 ${env.length} macvtap`, /is longer/]
  ] as const)("refuses a call where %s", async (_, rest, words) => {
    await using agent = await makeAgentNode()
    await agent.folder.start()
    using client = connect(agent.folder.socket)
    sendCall(client, `macvtap 1 call 0 ${rest}`, callDescriptors(client))
    const answer = await nextPacket(client)
    assert.match(answer === "ended" ? answer : answer.text, words)
    await agent.folder.idle()
  })

  it.each([
    ["an absolute link", "/link/macvtap.log"],
    ["a link that climbs", "/up/etc/macvtap-agent-test.log"]
  ])("opens nothing outside of the client's root, by %s neither", async (_, logFile) => {
    await using agent = await makeAgentNode()
    await agent.folder.start()
    const { node, folder } = agent
    const outside = `${folder.path}/outside`
    const script = `mkdir -p "$1/root/bin" "$1/root$1" "$1/outside" &&
      ln -s "$1/outside" "$1/root/link" && ln -s ../../../../../../../.. "$1/root/up" &&
      mount --bind "$1" "$1/root$1" && cp "$1/macvtap" "$1/root/bin/macvtap" && shift && exec "$@"`
    const called = await run(
      "unshare",
      ["--mount", "sh", "-ec", script, "sh", folder.path].concat([
        "nsenter",
        `--net=${node.host.path}`,
        "chroot",
        `${folder.path}/root`,
        "/bin/macvtap"
      ]),
      {
        env: { PATH: process.env["PATH"] ?? "", CNI_COMMAND: "STATUS", CNI_PATH: "/link:/up/usr/lib/cni" },
        stdin: JSON.stringify({ ...node.network, logFile, logLevel: "debug", ipam: { type: "host-local" } })
      }
    )
    // A plugin of the machine's is not found from in there.
    assert.match(assertError(called.stdout).msg, /failed to find plugin/)
    assert.strictEqual((await run("ls", ["-A", outside])).stdout, "")
    assert.strictEqual((await run("test", ["-e", "/etc/macvtap-agent-test.log"])).status, 1)
  })
})
