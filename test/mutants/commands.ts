/** Edits of the CNI calls: src/plugin. */
import { type Edit, edits } from "./Edit.ts"

const properties = "plugin/properties.test.ts"
const attachments = "plugin/attachments.test.ts"
const check = "plugin/check.test.ts"
const gc = "plugin/gc.test.ts"
const protocol = "plugin/protocol.test.ts"
const parent = "plugin/parent.test.ts"
const allotted = "plugin/allotted.test.ts"
const undo = "plugin/meanwhile.test.ts"

const foreign = `if (verdict._tag === "Foreign") return yield* foreignNode(verdict.node, link)`

export const commandEdits: ReadonlyArray<Edit> = [
  ...edits(
    "plugin/device/findDevice.ts",
    ["plugin/import.live.test.ts"],
    [
      ["lowerOf(master).index !== local", "false"],
      ["if (holder !== undefined) {", "if (false) {"],
      ["if (device.kind !== kind) {", "if (false) {"]
    ]
  ),
  ...edits(
    "plugin/device/import.ts",
    ["plugin/import.live.test.ts"],
    [["  yield* checkMac(host, device, parent, deviceID)\n", ""]]
  ),
  ...edits(
    "plugin/call.ts",
    [protocol, properties],
    [
      [`const strict = command === "ADD" || command === "CHECK"`, "const strict = true"],
      ["yield* interruptible(work).pipe(", "yield* work.pipe("],
      ["Effect.catch(() => caller.tell(", "Effect.catch(() => ((_: string) => Effect.void)("]
    ]
  ),
  ...edits(
    "cni/config/NetConf.ts",
    ["cni/remembering.test.ts"],
    [
      ["  if (hugeNumber.test(stdin)) return undefined\n", ""],
      ["otherSpelling === undefined || prevResult === undefined", "true"],
      ["prevResult: prevResult ?? otherSpelling", "prevResult"],
      ["readRemembered(program, command, text)", `readRemembered("", command, text)`]
    ]
  ),
  ...edits(
    "cni/config/remembering.ts",
    ["cni/remembering.test.ts"],
    [
      ["Result.isFailure(result) || ", ""],
      [" || key.length > longestText", ""],
      ["    if (known.size === mostTexts && oldest !== undefined) known.delete(oldest)\n", ""],
      [`texts.join("\\0")`, `texts.join("")`]
    ]
  ),
  ...edits(
    "cni/config/LinkConf.ts",
    ["cni/remembering.test.ts"],
    [["args.mac === undefined ? readAlone(conf) : read(conf, args)", "readAlone(conf)"]]
  ),
  ...edits(
    "plugin/commands/add.ts",
    [protocol, properties, attachments],
    [
      ["namePattern(attachment) ?? ", ""],
      [" ?? twoOrigins(config)", ""],
      ["yield* silenceLink(container, made)", "yield* Effect.void"],
      [
        "  yield* (yield* CallerService).heed ?? Effect.yieldNow\n",
        "",
        "a fault that interrupts gives way to the interruption by itself; a signal between the last request and the answer " +
          "is a matter of microseconds"
      ]
    ]
  ),
  ...edits(
    "plugin/commands/add.ts",
    ["hostAccess/refused.test.ts"],
    [["  if (config.hostAccess) yield* refuseHostAccess\n", ""]]
  ),
  ...edits(
    "plugin/commands/check.ts",
    [protocol, check],
    [
      [`  yield* ipamForward("CHECK")\n`, ""],
      ["sandbox === netns", "true"]
    ]
  ),
  ...edits(
    "plugin/commands/del.ts",
    [undo, protocol, attachments, properties],
    [
      [`yield* errorsOf(ipamForward("DEL"))`, "[]"],
      [`  if (opened._tag === "Failure" && opened.failure._tag === "CniError") return yield* opened.failure\n`, ""],
      ["if (named !== undefined && isOwnLink(config, named)) return named", "if (named !== undefined) return named"],
      ["link.kind === kind && link.alias === alias", "link.kind === kind"],
      [`  },\n  Effect.catchTag("LinkNotFound", () => Effect.void)\n`, "  }\n"],
      [`Effect.catchTag("NetnsNotFound", () => Effect.succeed(undefined))`, "(it) => it"],
      ["yield* errorsOf(removeNode(deviceID))", "[]"]
    ]
  ),
  ...edits("plugin/commands/gathered.ts", [gc, attachments], [["code: first.code", "code: 999"]]),
  ...edits(
    "plugin/commands/gc.ts",
    [gc, undo],
    [
      [`Effect.catchTag("LinkNotFound", () => Effect.void)`, "(it) => it"],
      [`Effect.catchTag(["NetnsNotFound", "NotANetns"], () => Effect.void)`, "(it) => it"]
    ]
  ),
  ...edits(
    "plugin/commands/status.ts",
    [gc],
    [
      ["if (!comesWithPod) {", "if (true) {"],
      [`new CniError({ ...error, code: codes.notAvailable })`, "error"],
      [`  yield* ipamForward("STATUS")\n`, ""]
    ]
  ),
  ...edits(
    "plugin/link/make.ts",
    [undo, attachments, properties],
    [
      ["(answerWasLost(error) ? undo : Effect.void)", "Effect.void"],
      [
        "(link.name === spec.name ? container.route.linkDel(spec.index) : Effect.void)",
        "container.route.linkDel(spec.index)"
      ],
      ["(Exit.isSuccess(exit) ? Effect.void : undo)", "Effect.void"],
      ["if (onlyTheIndexIsTaken) continue", ""],
      [`["ENOBUFS", "EMSGSIZE", "ETIMEDOUT", "EPROTO"]`, `["ENOBUFS"]`]
    ]
  ),
  ...edits(
    "plugin/device/import.ts",
    [undo, attachments, properties],
    [
      [`before._tag !== "Foreign"`, "true"],
      [`before._tag === "Own" ? before.node : undefined`, "undefined"]
    ]
  ),
  ...edits(
    "plugin/device/putBack.ts",
    [undo, properties],
    [
      [`    alias: device.alias ?? "",\n`, ""],
      ["    promisc: device.promisc,\n", ""],
      [`if (verdict._tag === "Own") `, ""]
    ]
  ),
  ...edits(
    "plugin/device/attach.ts",
    [undo, attachments, properties],
    [
      ["link.master !== undefined && link.master !== device.lowerDevice", "false"],
      ["mode !== undefined && mode !== device.mode", "false"],
      ["let changed = device.standalone", "let changed = false"],
      ["  changed = true\n", ""]
    ]
  ),
  ...edits(
    "plugin/link/tapNode.ts",
    [undo, attachments, properties],
    [[foreign, "", "who calls it has turned a foreign node away before: the import, and the making of a link"]]
  ),
  ...edits("plugin/link/own.ts", [undo, attachments, properties], []),
  ...edits(
    "plugin/link/check.ts",
    [check],
    [
      ["if (!link.up) return", "if (false) return"],
      ["asked.allmulti && !link.allmulti", "false"],
      ["mtu === undefined || mtu === link.mtu", "true"],
      ["    inSize(link, asked) ??\n", ""],
      ["owner !== undefined && node.owner !== owner", "false"],
      ["if (found?.path === device.node && found.device === number) return", "return"]
    ]
  ),
  ...edits("plugin/link/place.ts", [protocol], [["container.netns.id === host.netns.id && !netnsOverride", "false"]]),
  ...edits(
    "plugin/link/parent.ts",
    [parent, protocol, attachments],
    [
      ["(r.table ?? 254) === 254", "true"],
      ["(a.priority ?? 0) - (b.priority ?? 0)", "0"],
      ["mtu <= parent.mtu && ", ""]
    ]
  ),
  ...edits(
    "plugin/addresses/configure.ts",
    [allotted, attachments, properties],
    [
      ["if (duplicate !== undefined) {", "if (false) {"],
      [`if (disabled !== "0") `, ""],
      [`keep_addr_on_down\`, "1"`, `keep_addr_on_down\`, "0"`],
      ["if (dst.address !== network.address) {", "if (false) {"]
    ]
  ),
  ...edits(
    "plugin/addresses/check.ts",
    [check],
    [
      ["has.address === address && has.prefix === prefix", "has.address === address"],
      ["(route.table ?? mainTable) === (asked.table || mainTable)", "true"]
    ]
  ),
  ...edits(
    "plugin/addresses/ipam.ts",
    [allotted, attachments, properties],
    [
      ["if (result.ips.length === 0) {", "if (false) {"],
      [`run("DEL", releaseTimeLimit)`, "Effect.void"]
    ]
  )
]
