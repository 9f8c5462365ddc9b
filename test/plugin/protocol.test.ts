/** The protocol's rules through a whole call: which of several errors is told, its code and its very words. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { StdinError } from "../../src/cni/call/Invocation.ts"
import type { Kernel } from "../../src/mock/Kernel.ts"
import { assertSame } from "../lab/call/assertSame.ts"
import { callOn, type Invocation } from "../lab/call/onMock.ts"
import { invocation, makeNode, network } from "../lab/call/plain.ts"
import { assertError } from "../lab/call/wellFormed.ts"

const whole = {
  CNI_COMMAND: "ADD",
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/run/netns/c1",
  CNI_IFNAME: "net1",
  CNI_PATH: "/opt/cni/bin"
}

const broken = new StdinError({ message: "EIO" })

const supported = '["0.1.0" "0.2.0" "0.3.0" "0.3.1" "0.4.0" "1.0.0" "1.1.0"]'

type Row = readonly [
  what: string,
  env: Readonly<Record<string, string | undefined>>,
  stdin: Invocation["stdin"],
  error: { readonly code: number; readonly msg: string; readonly details?: string }
]

const rows: ReadonlyArray<Row> = [
  [
    "a bad container ID wins over what is missing",
    { CNI_COMMAND: "ADD", CNI_CONTAINERID: "%" },
    broken,
    { code: 4, msg: "invalid characters in containerID", details: "%" }
  ],
  [
    "a bad interface name wins over a missing namespace",
    { CNI_COMMAND: "ADD", CNI_CONTAINERID: "c1", CNI_IFNAME: "sixteen-letters!" },
    broken,
    {
      code: 4,
      msg: "interface name is too long",
      details: "interface name should be less than 16 characters"
    }
  ],
  ["a dot is no interface", { ...whole, CNI_IFNAME: ".." }, broken, { code: 4, msg: "interface name is . or .." }],
  [
    "nor is what has a slash",
    { ...whole, CNI_IFNAME: "a/b" },
    broken,
    { code: 4, msg: "interface name contains / or : or whitespace characters" }
  ],
  [
    "nor a no-break space",
    { ...whole, CNI_IFNAME: "a\u00a0b" },
    broken,
    { code: 4, msg: "interface name contains / or : or whitespace characters" }
  ],
  [
    "all that is missing is named, in order",
    { CNI_COMMAND: "ADD" },
    broken,
    { code: 4, msg: "required env variables [CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH] missing" }
  ],
  [
    "empty is missing",
    { ...whole, CNI_NETNS: "", CNI_PATH: "" },
    broken,
    { code: 4, msg: "required env variables [CNI_NETNS,CNI_PATH] missing" }
  ],
  [
    "DEL does without a namespace",
    { CNI_COMMAND: "DEL" },
    broken,
    { code: 4, msg: "required env variables [CNI_CONTAINERID,CNI_IFNAME,CNI_PATH] missing" }
  ],
  [
    "GC and STATUS need CNI_PATH alone",
    { CNI_COMMAND: "STATUS", CNI_CONTAINERID: "%", CNI_IFNAME: "a/b" },
    broken,
    { code: 4, msg: "required env variables [CNI_PATH] missing" }
  ],
  ["stdin is read after the environment", whole, broken, { code: 5, msg: "error reading from stdin: EIO" }],
  [
    "a configuration that is no JSON",
    { CNI_COMMAND: "NOPE" },
    "{",
    { code: 6, msg: "error unmarshall network config: unexpected end of JSON input" }
  ],
  ["null is no name", { CNI_COMMAND: "NOPE" }, "null", { code: 7, msg: "missing network name" }],
  ["an empty name is none", { CNI_COMMAND: "NOPE" }, { name: "" }, { code: 7, msg: "missing network name" }],
  [
    "a bad name",
    { CNI_COMMAND: "NOPE" },
    { name: "a b" },
    { code: 7, msg: "invalid characters found in network name", details: "a b" }
  ],
  [
    "the last key wins, whatever its case",
    { CNI_COMMAND: "NOPE" },
    '{"name":"x","NAME":"%"}',
    { code: 7, msg: "invalid characters found in network name", details: "%" }
  ],
  [
    "an unknown command, after the name",
    { CNI_COMMAND: "NOPE" },
    { name: "x" },
    { code: 4, msg: "unknown CNI_COMMAND: NOPE" }
  ],
  ["commands are in capitals", { CNI_COMMAND: "add" }, { name: "x" }, { code: 4, msg: "unknown CNI_COMMAND: add" }],
  [
    "an unsupported version",
    whole,
    { ...network, cniVersion: "1.1" },
    { code: 1, msg: "incompatible CNI versions", details: `config is "1.1", plugin supports ${supported}` }
  ],
  [
    "CHECK before 0.4.0",
    { ...whole, CNI_COMMAND: "CHECK" },
    { ...network, cniVersion: "0.3.1" },
    { code: 1, msg: "config version does not allow CHECK" }
  ],
  [
    "GC before 1.1.0",
    { ...whole, CNI_COMMAND: "GC" },
    { ...network, cniVersion: "1.0.0" },
    { code: 1, msg: "config version does not allow GC" }
  ],
  [
    "STATUS without a version",
    { ...whole, CNI_COMMAND: "STATUS" },
    { ...network, cniVersion: undefined },
    { code: 1, msg: "config version does not allow STATUS" }
  ],
  [
    "STATUS after 1.1.0",
    { ...whole, CNI_COMMAND: "STATUS" },
    { ...network, cniVersion: "1.2.0" },
    { code: 1, msg: "plugin version does not allow STATUS" }
  ],
  [
    "a version that is none",
    { ...whole, CNI_COMMAND: "GC" },
    { ...network, cniVersion: "1.1.0.0" },
    { code: 6, msg: 'invalid version "1.1.0.0": too many parts' }
  ],
  [
    "a version of words",
    { ...whole, CNI_COMMAND: "CHECK" },
    { ...network, cniVersion: "abc" },
    { code: 6, msg: 'failed to convert major version part "abc": strconv.Atoi: parsing "abc": invalid syntax' }
  ],
  [
    "arguments without a value",
    { ...whole, CNI_ARGS: "A=b=c" },
    network,
    { code: 4, msg: 'invalid CNI_ARGS: ARGS: invalid pair "A=b=c"' }
  ],
  [
    "unknown arguments",
    { ...whole, CNI_ARGS: "FOO=bar;mac=x" },
    network,
    { code: 4, msg: 'invalid CNI_ARGS: ARGS: unknown args ["FOO=bar" "mac=x"]' }
  ]
]

/** What has been asked of the machine. */
const asked = (kernel: Kernel): ReadonlyArray<string> => kernel.requests.log

describe("the order of evaluation", () => {
  for (const [what, env, stdin, expected] of rows) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const kernel = makeNode()
        const answer = yield* callOn(kernel, { env, stdin })
        assert.strictEqual(answer.status, 1)
        assert.strictEqual(answer.stderr, "")
        const { cniVersion: _, ...error } = assertError(answer.stdout)
        assert.deepStrictEqual(error, expected)
        assert.deepStrictEqual(asked(kernel), [])
      })
    )
  }
})

describe("without a configuration", () => {
  const about =
    "CNI macvlan plugin version 0.1.0\n" +
    "CNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0\n"

  it.effect.each([{}, { CNI_COMMAND: "" }, { CNI_COMMAND: undefined, CNI_CONTAINERID: "%" }])(
    "a person is told what this is: %j",
    (env) =>
      Effect.gen(function* () {
        const answer = yield* callOn(makeNode(), { program: "macvlan", env, stdin: broken })
        assert.deepStrictEqual(answer, { status: 0, written: [], stdout: "", stderr: about })
      })
  )

  it.effect("VERSION answers without a look at stdin or at anything else", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      for (const env of [{ CNI_COMMAND: "VERSION" }, { ...whole, CNI_COMMAND: "VERSION", CNI_CONTAINERID: "%" }]) {
        const answer = yield* callOn(kernel, { env, stdin: broken })
        assert.deepStrictEqual(answer, {
          status: 0,
          written: [answer.stdout],
          stdout:
            '{"cniVersion":"1.1.0","supportedVersions":["0.1.0","0.2.0","0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}\n',
          stderr: ""
        })
      }
      assert.deepStrictEqual(asked(kernel), [])
    })
  )
})

describe("the error object's version", () => {
  it.effect.each([
    ["0.4.0", { ...network, cniVersion: "0.4.0", mtu: "x" }],
    ["0.4.0", { cniVersion: "0.4.0" }],
    ["0.3.1", { ...network, CNIVERSION: "0.3.1", mode: 1, cniVersion: undefined }],
    ["0.1.0", { name: "a b" }],
    ["1.1.0", { ...network, cniVersion: "7.0.0" }],
    ["1.1.0", { ...network, cniVersion: 7 }],
    ["1.1.0", "[]"],
    ["1.1.0", "not JSON"]
  ] as const)("is %s for %j", ([expected, stdin]) =>
    Effect.gen(function* () {
      const { stdout } = yield* callOn(makeNode(), { env: whole, stdin })
      assert.strictEqual(assertError(stdout).cniVersion, expected)
    })
  )
})

describe("the plugin's own namespace as the container's", () => {
  const own = "/proc/self/ns/net"
  const conf = { ipam: { type: "host-local", subnet: "10.1.0.0/24" } }

  it.effect("is refused before any work, by ADD and by DEL", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      const before = kernel.snapshot()
      for (const command of ["ADD", "DEL"]) {
        const { stdout } = yield* callOn(kernel, invocation(command, { netns: own, conf }))
        const { code, msg } = assertError(stdout, "1.1.0")
        assert.strictEqual(code, 8)
        assert.strictEqual(msg, "plugin's netns and netns from CNI_NETNS should not be the same")
      }
      assertSame(kernel.snapshot(), before)
      assert.isEmpty(asked(kernel).filter((operation) => /delegate|link(Add|Set|Del)/.test(operation)))
    })
  )

  it.effect.each(["1", "true", "TRUE", "True"])("is meant where CNI_NETNS_OVERRIDE is %s", (value) =>
    Effect.gen(function* () {
      const kernel = makeNode()
      const before = kernel.snapshot()
      const call = { netns: own, env: { CNI_NETNS_OVERRIDE: value } }
      const added = yield* callOn(kernel, invocation("ADD", call))
      assert.strictEqual(added.status, 0, added.stdout)
      assert.strictEqual((yield* callOn(kernel, invocation("DEL", call))).status, 0)
      assertSame(kernel.snapshot(), before)
    })
  )

  it.effect.each(["0", "yes", ""])("is refused where CNI_NETNS_OVERRIDE is %j", (value) =>
    Effect.gen(function* () {
      const { stdout } = yield* callOn(
        makeNode(),
        invocation("ADD", { netns: own, env: { CNI_NETNS_OVERRIDE: value } })
      )
      assert.strictEqual(assertError(stdout).code, 8)
    })
  )

  it.effect("is no matter to CHECK, which finds no link there", () =>
    Effect.gen(function* () {
      const prevResult = { cniVersion: "1.1.0", interfaces: [{ name: "net1", sandbox: own }] }
      const { stdout } = yield* callOn(makeNode(), invocation("CHECK", { netns: own, conf: { prevResult } }))
      assert.match(assertError(stdout).msg, /net1 not found/)
    })
  )
})

describe("an L2 network", () => {
  it.effect.each(["0.1.0", "0.2.0", undefined])("at %s is made, and answered without addresses", (cniVersion) =>
    Effect.gen(function* () {
      const kernel = makeNode()
      const before = kernel.snapshot()
      const { status, stdout } = yield* callOn(kernel, invocation("ADD", { conf: { cniVersion } }))
      assert.strictEqual(status, 0, stdout)
      assert.deepStrictEqual(JSON.parse(stdout), { cniVersion: cniVersion ?? "0.1.0", dns: {} })
      assert.strictEqual(kernel.inside("/run/netns/c1").link("net1").kind, "macvtap")
      yield* callOn(kernel, invocation("DEL", { conf: { cniVersion } }))
      assert.deepStrictEqual(kernel.snapshot(), before)
    })
  )
})

describe("prevResult", () => {
  const check = (conf: object) => callOn(makeNode(), invocation("CHECK", { conf }))

  it.effect.each([
    [{}, /required prevResult missing/],
    [{ prevResult: null }, /required prevResult missing/],
    [{ prevResult: 7 }, /could not parse prevResult/],
    [
      { prevResult: { cniVersion: "0.4.0" } },
      /could not parse prevResult: result type supports \[1\.0\.0 1\.1\.0\] but unmarshalled CNIVersion is "0\.4\.0"/
    ],
    [{ prevResult: { interfaces: [{ name: "net1" }] } }, /no interface "net1" in sandbox "\/run\/netns\/c1"/],
    [{ prevResult: { interfaces: [{ name: "net2", sandbox: "/run/netns/c1" }] } }, /no interface "net1" in sandbox/]
  ] as const)("of CHECK: %j", ([conf, words]) =>
    Effect.gen(function* () {
      const { status, stdout } = yield* check(conf)
      assert.strictEqual(status, 1)
      assert.match(assertError(stdout).msg, words)
    })
  )
})

describe("what ADD cannot take", () => {
  const rows: ReadonlyArray<readonly [object, number, RegExp]> = [
    [{ mtu: "1500" }, 7, /mtu: .*"1500"/],
    [{ mtu: 1501 }, 7, /^invalid MTU 1501, must be \[0, master MTU\(1500\)\]$/],
    [{ mtu: 60 }, 7, /^invalid MTU 60, /],
    [{ mtu: -1 }, 7, /mtu: .*-1/],
    [{ mode: "brigde" }, 7, /mode: .*bridge, vepa, private, passthru, source.*"brigde"/],
    [{ mode: "source" }, 7, /sourceMACs/],
    [{ sourceMACs: ["02:00:00:00:00:01"] }, 7, /sourceMACs .* mode "source"/],
    [{ mac: "xx" }, 7, /mac: "xx" is no MAC address/],
    [{ mac: "01:00:5e:00:00:01" }, 7, /multicast/],
    [{ runtimeConfig: { mac: "00:00:00:00:00:00" } }, 7, /runtimeConfig\.mac: .*zero/],
    [{ args: { cni: { mac: 5 } } }, 7, /args\.cni\.mac/],
    [{ promiscMode: "yes" }, 7, /promiscMode: .*"yes"/],
    [{ allmulti: 1 }, 7, /allmulti: .*1/],
    [{ owner: "root" }, 7, /owner: .*"root"/],
    [{ group: -1 }, 7, /group: .*-1/],
    [{ owner: 4294967295 }, 7, /owner: .*4294967295/],
    [{ bcqueuelen: -1 }, 7, /bcqueuelen: .*-1/],
    [{ linkInContainer: "true" }, 7, /linkInContainer: .*"true"/],
    [{ master: "a/b" }, 7, /master: .*"a\/b"/],
    [{ master: "sixteen-letters!" }, 7, /master: .*at most 15 bytes/],
    [{ master: "eth7" }, 7, /^master "eth7" does not exist$/],
    [{ ipam: { type: "../bin/sh" } }, 7, /invalid plugin name/],
    [{ ipam: { type: "macvtap" } }, 7, /this plugin itself/],
    [{ ipam: "host-local" }, 7, /ipam: .*"host-local"/],
    [{ dns: { nameservers: "1.1.1.1" } }, 7, /dns\.nameservers/],
    [{ logLevel: "loud" }, 7, /logLevel: .*"loud"/],
    [{ logFile: "relative.log" }, 7, /logFile: .*absolute/],
    [
      { deviceID: "dev0", linkInContainer: true },
      7,
      /^"deviceID" is "dev0" and "linkInContainer" is true: .* cannot be both$/
    ],
    [{ deviceID: "a/b" }, 7, /deviceID: .*"a\/b"/],
    [{ deviceID: "eth0" }, 7, /"eth0" is a physical or loopback link, not a macvtap/],
    [{ deviceID: "gone" }, 7, /no link "gone" on this node, nor "mvt[0-9a-f]{12}"/]
  ]

  for (const [conf, code, words] of rows) {
    it.effect(JSON.stringify(conf), () =>
      Effect.gen(function* () {
        const kernel = makeNode()
        const before = kernel.snapshot()
        const { stdout } = yield* callOn(kernel, invocation("ADD", { conf }))
        const error = assertError(stdout, "1.1.0")
        assert.match(error.msg, words)
        assert.strictEqual(error.code, code)
        assertSame(kernel.snapshot(), before)
        const after = yield* callOn(kernel, invocation("DEL", { conf }))
        assert.strictEqual(after.status, 0, after.stdout)
      })
    )
  }

  it.effect("a name that the kernel would number", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      const { stdout } = yield* callOn(kernel, invocation("ADD", { ifname: "net%d" }))
      assert.strictEqual(assertError(stdout).code, 4)
      assert.deepStrictEqual(asked(kernel), [])
      assert.strictEqual((yield* callOn(kernel, invocation("DEL", { ifname: "net%d" }))).status, 0)
    })
  )

  it.effect("a namespace that is none", () =>
    Effect.gen(function* () {
      const kernel = makeNode()
      kernel.addFile("/etc/passwd", "a regular file")
      for (const [netns, words] of [
        ["/run/netns/none", /"\/run\/netns\/none" does not exist/],
        ["/etc/passwd", /"\/etc\/passwd" is not a network namespace: a regular file/]
      ] as const) {
        const error = assertError((yield* callOn(kernel, invocation("ADD", { netns }))).stdout)
        assert.strictEqual(error.code, 8)
        assert.match(error.msg, words)
      }
    })
  )
})
