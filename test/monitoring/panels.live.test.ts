/** Each panel and each alert asks for what the agent and the device plugin tell after calls of every sort. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { format } from "effect/observability/PrometheusMetrics"
import { assert, it } from "vitest"
import { countAllocations, countError, setAllotted, setDevices } from "../../src/device-plugin/observe/metrics.ts"
import { makeStub, says } from "../lab/call/stub.ts"
import { hasMacvtap } from "../lab/machine.ts"
import { compiled, scrapeText, withAgent } from "../observe/withAgent.ts"
import { alerts, panels } from "./asked.ts"
import { readQuery } from "./promql.ts"

/** Labels that Prometheus adds by itself. */
const ofPrometheus = ["instance", "job"]

/** What a device plugin with a resource tells. */
const devicePlugin = Effect.gen(function* () {
  yield* setDevices("dataplane", "healthy", 50)
  yield* setDevices("dataplane", "unhealthy", 0)
  yield* setAllotted("dataplane", 3)
  yield* countAllocations("dataplane", 1)
  yield* countError("register")
  return yield* format()
}).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))

interface Sample {
  readonly name: string
  readonly labels: ReadonlySet<string>
}

const samplesOf = (text: string): ReadonlyArray<Sample> =>
  text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({
      name: /^[a-zA-Z0-9_:]+/.exec(line)?.[0] ?? "",
      labels: new Set([...line.matchAll(/[{,](\w+)="/g)].map(([, label = ""]) => label))
    }))

it.skipIf(!hasMacvtap || !compiled)("shows data in each panel after a run (root, macvtap, a C compiler)", async () => {
  await withAgent({}, async (node, _, port) => {
    const ips = [{ address: "10.1.2.3/24" }]
    const routes = [{ dst: "10.9.0.0/16", gw: "10.8.0.1" }]
    await using good = await makeStub({ ADD: says({ cniVersion: "1.0.0", ips }), DEL: "" })
    await using bad = await makeStub({ ADD: says({ cniVersion: "1.0.0", ips, routes }), DEL: "" })
    const ipam = { ipam: { type: "stub" } }
    await node.fails("ADD", { path: bad.path, conf: ipam })
    await node.add({ path: good.path, conf: ipam })
    const samples = samplesOf((await scrapeText(port)) + (await Effect.runPromise(devicePlugin)))
    const missing = [...panels, ...alerts].flatMap(({ where, expression }) => {
      const { metrics, labels } = readQuery(expression)
      const asked = samples.filter(({ name }) => metrics.includes(name))
      return [
        ...metrics.filter((metric) => !asked.some(({ name }) => name === metric)),
        ...labels.filter((label) => !ofPrometheus.includes(label) && !asked.some((sample) => sample.labels.has(label)))
      ].map((name) => `${where}: ${name}`)
    })
    assert.deepStrictEqual(missing, [])
    await node.silent("DEL", { path: good.path, conf: ipam })
  })
})
