/** Random nodes, networks and attachments, in which an ADD has to succeed. */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"

const versions = ["1.1.0", "1.0.0", "0.4.0", "0.3.1", "0.3.0", "0.2.0", "0.1.0"] as const

/** Where the link comes from: made on the host's eth0, on the pod's own, a link that exists, or a reserved device. */
const sources = ["host", "container", "device", "hashed", "reserved", "standalone"] as const

const optional = <S extends Schema.Constraint>(schema: S) => Schema.UndefinedOr(schema)

const Fields = Schema.Struct({
  cniVersion: Schema.Literals(versions),
  kind: Schema.Literals(["macvtap", "macvlan"]),
  /** What says the kind: `type`, or the executable's name beside a `type` of another plugin's. */
  saidBy: Schema.Literals(["type", "program"]),
  source: Schema.Literals(sources),
  mode: optional(Schema.Literals(["", "bridge", "vepa", "private", "passthru", "source"])),
  deviceMode: Schema.Literals(["bridge", "vepa", "private", "passthru"]),
  deviceUp: Schema.Boolean,
  deviceMtu: Schema.Literals([1500, 1400]),
  /** In capital letters, since keys match without regard to case. */
  shouted: Schema.Boolean,
  withMaster: Schema.Boolean,
  mtu: optional(Schema.Literals([0, 1280, 1400, 1500])),
  macFrom: optional(Schema.Literals(["runtimeConfig", "args", "CNI_ARGS", "mac", "all"])),
  promiscMode: optional(Schema.Boolean),
  allmulti: optional(Schema.Boolean),
  owner: optional(Schema.Literals([0, 107, 4242])),
  group: optional(Schema.Literals([0, 36])),
  bcqueuelen: optional(Schema.Literals([0, 1, 5000])),
  dns: Schema.Boolean,
  ipam: optional(Schema.Literals(["v4", "v6", "both", "bare"])),
  /** Routes of every sort. */
  routes: Schema.Boolean,
  chained: Schema.Boolean,
  /** A pod with IPv6 switched off. */
  ipv6Disabled: Schema.Boolean,
  /** What lies at the first ifindex that the attachment would take: a stale node, or another link's. */
  firstIndex: Schema.Literals(["free", "stale node", "another pod's link"]),
  devtmpfs: Schema.Boolean,
  sysfs: Schema.Boolean,
  neighbour: Schema.Boolean,
  name: Schema.Literals(["lan", "a", "x".repeat(200), "Net_1.2-3"]),
  containerID: Schema.Literals(["c1", "f".repeat(64), "g".repeat(300)]),
  ifname: Schema.Literals(["net1", "pod16477688c0e", "a'b\"c", "ünï", "0"])
})

export type Scenario = typeof Fields.Type

/** What cannot go together is put right, rather than thrown away. */
export const consistent = (drawn: Scenario): Scenario => {
  const scenario = { ...drawn }
  const imports = ["device", "hashed", "standalone"].includes(scenario.source)
  // Devices are the macvtaps that a device plugin makes; a reserved device has its resource's mode.
  if (scenario.source === "reserved" || scenario.source === "standalone") scenario.kind = "macvtap"
  if (scenario.source === "reserved") scenario.mode = scenario.mode === undefined ? undefined : scenario.deviceMode
  // The kernel changes the mode neither to nor from passthru.
  if (imports && (scenario.mode === "passthru") !== (scenario.deviceMode === "passthru")) scenario.mode = undefined
  if (imports && scenario.deviceMode === "passthru") scenario.mode = undefined
  if (imports && scenario.mode === "source") scenario.mode = "private"
  const passthru = scenario.mode === "passthru" || (scenario.source !== "host" && scenario.deviceMode === "passthru")
  if (passthru) {
    scenario.neighbour = false
    if (scenario.firstIndex === "another pod's link") scenario.firstIndex = "free"
  }
  // The ifindex of a reserved device is its own; a node of that name means that a former pod still holds it.
  if (scenario.source === "reserved") scenario.firstIndex = "free"
  // Without devtmpfs there is no node to own, without sysfs no number to make a node of.
  if (!scenario.devtmpfs) {
    Object.assign(scenario, { owner: undefined, group: undefined })
    if (scenario.firstIndex === "stale node") scenario.firstIndex = "free"
  }
  if (["reserved", "standalone"].includes(scenario.source)) scenario.sysfs = true
  // A tap is on no link that nobody has named.
  if (scenario.kind === "macvtap" && !isImport(scenario) && scenario.source !== "reserved") scenario.withMaster = true
  if (scenario.kind === "macvlan") Object.assign(scenario, { owner: undefined, group: undefined })
  return scenario
}

export const scenarios: Arbitrary.Arbitrary<Scenario> = Arbitrary.schema(Fields).pipe(Arbitrary.map(consistent))

export const isImport = ({ source }: Scenario): boolean => ["device", "hashed", "standalone"].includes(source)
