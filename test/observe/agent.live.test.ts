/** What an agent tells of its calls: one trace from the runtime to the kernel, and figures that add up. */
import { readFile } from "node:fs/promises"
import { assert, describe, it } from "vitest"
import { makeStub, says } from "../lab/call/stub.ts"
import { hasMacvtap } from "../lab/machine.ts"
import { executable } from "../lab/plugin.ts"
import { run } from "../lab/run.ts"
import { type Collector, makeCollector } from "./collector.ts"
import { compiled, scrape, withAgent } from "./withAgent.ts"

const runtime = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" }
const traceparent = `00-${runtime.traceId}-${runtime.spanId}-01`

/** The figures when so many calls are in them: a client may end just before the agent has counted its call. */
const counted = async (port: number, command: string, calls: number): Promise<ReadonlyMap<string, number>> => {
  for (let tries = 0; ; tries++) {
    const samples = await scrape(port)
    const count = samples.get(`macvtap_cni_call_duration_seconds_count{command="${command}"}`)
    if (count === calls || tries === 100) return samples
    await new Promise((go) => setTimeout(go, 50))
  }
}

/** Waits until a call's last span has come and no other comes any more (batches can overtake each other); ten seconds at most. */
const arrived = async ({ spans }: Collector): Promise<void> => {
  let seen = -1
  for (let tries = 0; tries < 33; tries++) {
    if (seen === spans.length && spans.some(({ name }) => name === "answer a client")) return
    seen = spans.length
    await new Promise((go) => setTimeout(go, 300))
  }
}

/** What makes an agent send its spans there, soon. */
const sentTo = ({ url }: Collector): Readonly<Record<string, string>> => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  OTEL_BSP_SCHEDULE_DELAY: "100"
})

const sumOf = (samples: ReadonlyMap<string, number>, pattern: RegExp): number =>
  [...samples].filter(([name]) => pattern.test(name)).reduce((sum, [, value]) => sum + value, 0)

describe.skipIf(!hasMacvtap || !compiled)("an agent that is looked at (root, macvtap, a C compiler)", () => {
  it("makes one trace from the runtime by way of client and agent to IPAM and the kernel", async () => {
    await using collector = await makeCollector()
    await withAgent(sentTo(collector), async (node, _, __, lines) => {
      const answer = says({ cniVersion: "1.0.0", ips: [{ address: "10.1.2.3/24" }] })
      await using stub = await makeStub({ ADD: `printenv TRACEPARENT > "$(dirname "$0")/trace"\n${answer}`, DEL: "" })
      const call = {
        path: stub.path,
        conf: { ipam: { type: "stub" } },
        args: "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-1",
        env: { TRACEPARENT: traceparent }
      }
      await node.add(call)
      await arrived(collector)
      const { spans } = collector
      assert.deepStrictEqual([...new Set(spans.map((span) => span.traceId))], [runtime.traceId])
      const byId = new Map(spans.map((span) => [span.spanId, span]))
      const named = (name: RegExp) => spans.find((span) => name.test(span.name)) ?? assert.fail(`no span ${name}`)
      const above = (name: RegExp) => byId.get(named(name).parentSpanId ?? "")?.name
      assert.strictEqual(named(/^answer a client$/).parentSpanId, runtime.spanId)
      assert.strictEqual(above(/^CNI ADD$/), "answer a client")
      assert.strictEqual(above(/^wait for a place$/), "answer a client")
      for (const step of [
        /^read the configuration/,
        /^enter .* for a route socket/,
        /^ip link add net1 type macvtap/,
        /^IPAM stub ADD/
      ]) {
        assert.strictEqual(above(step), "CNI ADD", String(step))
      }
      const told = (await readFile(`${stub.folder}/trace`, "utf8")).trim()
      assert.strictEqual(told, `00-${runtime.traceId}-${named(/^IPAM stub ADD/).spanId}-01`)
      assert.deepInclude(named(/^CNI ADD$/).attributes, {
        "cni.command": "ADD",
        "cni.network.name": "lan",
        "link.kind": "macvtap",
        "link.master": "eth0",
        "network.interface.name": "net1",
        "k8s.namespace.name": "shop",
        "k8s.pod.name": "web-1"
      })
      const said = lines.map((line) => JSON.parse(line)).filter(({ command }) => command === "ADD")
      assert.strictEqual(said.length, 1)
      assert.deepInclude(said[0], { level: "info", code: 0, pod: "web-1", namespace: "shop", trace: runtime.traceId })
      await node.silent("DEL", call)
    })
  })

  it("tells of a failure what was asked, what the kernel said, and what was taken back", async () => {
    await using collector = await makeCollector()
    await withAgent(sentTo(collector), async (node) => {
      const answer = says({
        cniVersion: "1.0.0",
        ips: [{ address: "10.1.2.3/24" }],
        routes: [{ dst: "10.9.0.0/16", gw: "10.8.0.1" }]
      })
      await using stub = await makeStub({ ADD: answer, DEL: "" })
      const error = await node.fails("ADD", { path: stub.path, conf: { ipam: { type: "stub" } } })
      const [, trace = ""] = /; trace ([0-9a-f]{32})$/.exec(error.details ?? "") ?? assert.fail(error.details)
      await arrived(collector)
      // One that was sent again, its answer being late, comes twice.
      const spans = [...new Map(collector.spans.map((span) => [span.spanId, span])).values()]
      assert.isTrue(spans.every(({ traceId }) => traceId === trace))
      const call = spans.find(({ name }) => name === "CNI ADD")
      assert.strictEqual(call?.status.code, 2)
      const refused = spans.find(({ name }) => name.startsWith("ip route add"))
      assert.strictEqual(refused?.attributes["netlink.errno"], "ENETUNREACH")
      const rollback = spans
        .filter(({ name }) => name.startsWith("take back"))
        .map(({ name, parentSpanId }) => [name, parentSpanId])
      // A test beside this one may have had the link's number in question: then it was made once more.
      const links = 1 + spans.filter(({ name }) => name === "hold numbers back").length
      assert.deepStrictEqual(rollback, [
        ["take back the addresses", call?.spanId],
        ...Array.from({ length: links }, () => ["take back the link", call?.spanId])
      ])
    })
  })

  it("counts 64 calls at once, and every figure adds up", async () => {
    await withAgent({}, async (node, _, port) => {
      const pods = await Promise.all(Array.from({ length: 64 }, () => node.makePod()))
      const before = await scrape(port)
      assert.strictEqual(sumOf(before, /^macvtap_cni_calls_total/), 0)
      const looks: Array<ReadonlyMap<string, number>> = []
      const adding = Promise.all(
        pods.map((pod, n) =>
          n % 8 === 7 ? node.call("ADD", { pod, conf: { master: "nope" } }) : node.call("ADD", { pod })
        )
      )
      for (let n = 0; n < 3; n++) looks.push(await scrape(port))
      const answers = await adding
      const now = await counted(port, "ADD", 64)
      const failed = answers.filter(({ status }) => status !== 0).length
      assert.strictEqual(failed, 8)
      assert.strictEqual(now.get('macvtap_cni_calls_total{command="ADD",code="0"}'), 56)
      assert.strictEqual(now.get('macvtap_cni_calls_total{command="ADD",code="7"}'), 8)
      assert.strictEqual(now.get('macvtap_cni_call_duration_seconds_count{command="ADD"}'), 64)
      assert.strictEqual(now.get('macvtap_cni_call_duration_seconds_bucket{command="ADD",le="+Inf"}'), 64)
      assert.strictEqual(now.get('macvtap_cni_wait_duration_seconds_count{for="place"}'), 64)
      const made = now.get('macvtap_cni_kernel_request_duration_seconds_count{operation="ip link add"}')
      const held = now.get("macvtap_cni_numbers_held_back_total") ?? 0
      // A number that a test beside this one has in question costs a link on a stand, and the pod's link once more.
      if (held === 0) assert.strictEqual(made, 56)
      else assert.isAtLeast(made ?? 0, 56 + 3 * held)
      assert.strictEqual(now.get('macvtap_cni_kernel_refusals_total{operation="ip link show",errno="ENODEV"}'), 8)
      assert.strictEqual(now.get('macvtap_cni_attachments{network="lan",master="eth0"}'), 56)
      assert.deepStrictEqual([now.get("macvtap_cni_calls_running"), now.get("macvtap_cni_calls_waiting")], [0, 0])
      assert.isAbove(now.get("process_resident_memory_bytes") ?? 0, 10e6)
      for (const look of looks) assert.isAtMost(sumOf(look, /^macvtap_cni_calls_total/), 64)
      await Promise.all(pods.map((pod) => node.call("DEL", { pod })))
      assert.strictEqual(
        (await counted(port, "DEL", 64)).get('macvtap_cni_attachments{network="lan",master="eth0"}'),
        0
      )
    })
  })

  it("shows a call through it as a waterfall, without any collector", async () => {
    await withAgent({}, async (node, folder) => {
      const words = (command: "ADD" | "DEL") =>
        Object.entries(node.envOf(command)).map(([name, value]) => `${name}=${value}`)
      const [first = "", ...rest] = node.command.slice(0, -1)
      const trace = (command: "ADD" | "DEL", ...more: ReadonlyArray<string>) =>
        run(
          first,
          [...rest, executable, "trace", "--socket", folder.socket, ...more, "--", ...words(command), folder.client],
          {
            stdin: node.stdinOf()
          }
        )
      const added = await trace("ADD")
      assert.strictEqual(added.status, 0, added.stderr)
      assert.strictEqual(JSON.parse(added.stdout).interfaces[0].name, "net1")
      assert.match(added.stderr, /^answer a client {2,}\d+\.\d{3} ms {2}█+$/m)
      assert.match(added.stderr, /^ {4}ip link add net1 type macvtap {2,}\d+\.\d{3} ms +█+$/m)
      const deleted = await trace("DEL", "--mermaid")
      assert.match(deleted.stderr, /^gantt\n/)
      assert.match(deleted.stderr, /wait for the kernel's grace period :s\d+, \d+, \d+$/m)
    })
  })
})
