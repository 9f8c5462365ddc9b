/** What the configuration says of the link, each key with what it takes and what it refuses. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { CniArgs } from "../../src/cni/call/CniArgs.ts"
import { lenientLinkConf, readLinkConf } from "../../src/cni/config/LinkConf.ts"
import { readNetConf } from "../../src/cni/config/NetConf.ts"
import { error, value } from "./outcome.ts"

const read = (config: object, args: CniArgs = {}, program = "macvtap") =>
  readNetConf(program, "ADD", JSON.stringify({ name: "n", ...config })).pipe(
    Effect.flatMap((conf) => readLinkConf(conf, args))
  )

const silent = { linkInContainer: false, options: {}, promisc: false, hostAccess: false, allmulti: true, dns: {} }

const invalid = (words: string) => ({ code: 7, msg: `invalid configuration: ${words}` })

const linkName = "expected the name of a link, at most 15 bytes without / : or whitespace"
const unsigned31 = "expected an integer from 0 to 2147483647"
const id = "expected an integer from 0 to 4294967294"
const queue = "expected a whole number from 1 to 4294967295, or 0 for the default"
const macList = "expected a list of 1 to 4096 unicast MAC addresses such as 02:03:04:05:06:07"
const modes = "expected one of bridge, vepa, private, passthru, source"

describe("keys", () => {
  const good: ReadonlyArray<readonly [config: object, conf: object]> = [
    [{}, {}],
    [{ master: "eth0" }, { master: "eth0" }],
    [{ MASTER: "eth0" }, { master: "eth0" }],
    [{ master: "a".repeat(15) }, { master: "a".repeat(15) }],
    [{ master: "" }, {}],
    [{ master: null, mtu: null, mac: null, mode: null, owner: null, dns: null, runtimeConfig: null, args: null }, {}],
    [{ mtu: 1400 }, { mtu: 1400 }],
    [{ mtu: 0 }, {}],
    [{ mode: "vepa" }, { options: { mode: "vepa" } }],
    [{ mode: "" }, {}],
    [
      { mode: "source", sourceMACs: ["02-03-04-05-06-07"] },
      { options: { mode: "source", sourceMACs: ["02:03:04:05:06:07"] } }
    ],
    [{ bcqueuelen: 100 }, { options: { bcqueuelen: 100 } }],
    [{ bcqueuelen: 0 }, {}],
    [{ bcqueuelen: null }, {}],
    [{ sourceMACs: [] }, {}],
    [{ sourceMACs: null }, {}],
    [
      { promiscMode: true, allmulti: false },
      { promisc: true, allmulti: false }
    ],
    [{ promiscMode: false, allmulti: true }, {}],
    [
      { owner: 0, group: 4294967294 },
      { owner: 0, group: 4294967294 }
    ],
    [{ linkInContainer: true }, { linkInContainer: true }],
    [{ deviceID: "a".repeat(63) }, { deviceID: "a".repeat(63) }],
    [{ deviceID: "top", runtimeConfig: { deviceID: "runtime" } }, { deviceID: "runtime" }],
    [{ deviceID: "top", RuntimeConfig: { DeviceID: "runtime" } }, { deviceID: "runtime" }],
    [{ deviceID: "top", runtimeConfig: { deviceID: "" } }, { deviceID: "top" }],
    [{ pciBusID: "0000:00:01.0" }, {}],
    [
      { dns: { nameservers: ["10.0.0.1"], Domain: "d", search: ["s"], options: ["o"] } },
      {
        dns: { nameservers: ["10.0.0.1"], domain: "d", search: ["s"], options: ["o"] }
      }
    ],
    [{ dns: { nameservers: [], domain: "", search: null } }, {}],
    [{ capabilities: { mac: true }, unknown: { deep: [[[]]] } }, {}],
    [{ capabilities: null, runtimeConfig: { ips: null } }, {}],
    [{ capabilities: {}, runtimeConfig: { ips: [] } }, {}],
    [{ runtimeConfig: { ips: ["10.1.0.5/24"], portMappings: [] } }, {}]
  ]
  for (const [config, conf] of good) {
    it(JSON.stringify(config), () => {
      assert.deepStrictEqual(value(read(config)), { ...silent, ...conf })
    })
  }

  it("allmulti is off by default for a macvlan", () => {
    assert.strictEqual(value(read({ type: "macvlan" })).allmulti, false)
    assert.strictEqual(value(read({}, {}, "macvlan")).allmulti, false)
  })

  const bad: ReadonlyArray<readonly [config: object, words: string]> = [
    [{ master: 5 }, "master: expected a string, got 5"],
    [{ master: "a".repeat(16) }, `master: ${linkName}, got "${"a".repeat(16)}"`],
    [{ master: "../etc" }, `master: ${linkName}, got "../etc"`],
    [{ master: "eth0 " }, `master: ${linkName}, got "eth0 "`],
    [{ master: "a\0b" }, `master: ${linkName}, got "a\\u0000b"`],
    [{ master: ".." }, `master: ${linkName}, got ".."`],
    [{ mtu: "1500" }, `mtu: ${unsigned31}, got "1500"`],
    [{ mtu: -1 }, `mtu: ${unsigned31}, got -1`],
    [{ mtu: 1.5 }, `mtu: ${unsigned31}, got 1.5`],
    [{ mtu: 2147483648 }, `mtu: ${unsigned31}, got 2147483648`],
    [{ mtu: true }, `mtu: ${unsigned31}, got true`],
    [{ mode: "bridged" }, `mode: ${modes}, got "bridged"`],
    [{ mode: "BRIDGE" }, `mode: ${modes}, got "BRIDGE"`],
    [{ mode: 5 }, `mode: ${modes}, got 5`],
    [{ mode: { mode: "bridge" } }, `mode: ${modes}, got an object`],
    [{ mode: [] }, `mode: ${modes}, got []`],
    [{ mode: 0 }, `mode: ${modes}, got 0`],
    [{ mode: false }, `mode: ${modes}, got false`],
    [{ bcqueuelen: -1 }, `bcqueuelen: ${queue}, got -1`],
    [{ bcqueuelen: 4294967296 }, `bcqueuelen: ${queue}, got 4294967296`],
    [{ bcqueuelen: false }, `bcqueuelen: ${queue}, got false`],
    [{ bcqueuelen: [] }, `bcqueuelen: ${queue}, got []`],
    [{ bcqueuelen: "" }, `bcqueuelen: ${queue}, got ""`],
    [{ sourceMACs: 0 }, `sourceMACs: ${macList}, got 0`],
    [{ sourceMACs: false }, `sourceMACs: ${macList}, got false`],
    [{ sourceMACs: "" }, `sourceMACs: ${macList}, got ""`],
    [{ sourceMACs: {} }, `sourceMACs: ${macList}, got an object`],
    [{ mode: "source", sourceMACs: false }, `sourceMACs: ${macList}, got false`],
    [{ promiscMode: "true" }, 'promiscMode: expected true or false, got "true"'],
    [{ allmulti: 1 }, "allmulti: expected true or false, got 1"],
    [{ linkInContainer: [] }, "linkInContainer: expected true or false, got []"],
    [{ owner: -1 }, `owner: ${id}, got -1`],
    [{ group: 4294967295 }, `group: ${id}, got 4294967295`],
    [{ owner: "107" }, `owner: ${id}, got "107"`],
    [{ deviceID: "a/b" }, 'deviceID: expected the ID of a device, at most 255 bytes without /, got "a/b"'],
    [{ deviceID: ".." }, 'deviceID: expected the ID of a device, at most 255 bytes without /, got ".."'],
    [{ deviceID: 5 }, "deviceID: expected a string, got 5"],
    [{ runtimeConfig: { deviceID: 5 } }, "runtimeConfig.deviceID: expected a string, got 5"],
    [{ runtimeConfig: "x" }, 'runtimeConfig: expected an object, got "x"'],
    [{ capabilities: 1 }, "capabilities: expected an object, got 1"],
    [{ capabilities: ["mac"] }, 'capabilities: expected an object, got ["mac"]'],
    [{ runtimeConfig: { ips: 1 } }, "runtimeConfig.ips: expected an array, got 1"],
    [{ runtimeConfig: { ips: "10.1.0.5/24" } }, 'runtimeConfig.ips: expected an array, got "10.1.0.5/24"'],
    [{ runtimeConfig: { ips: [{}] } }, "runtimeConfig.ips[0]: expected a string, got an object"],
    [{ dns: [] }, "dns: expected an object, got []"],
    [{ dns: { nameservers: "10.0.0.1" } }, 'dns.nameservers: expected an array, got "10.0.0.1"'],
    [{ dns: { search: ["a", 5] } }, "dns.search[1]: expected a string, got 5"],
    [{ dns: { domain: [[]] } }, "dns.domain: expected a string, got an array of 1"]
  ]
  for (const [config, words] of bad) {
    it(words, () => {
      assert.deepStrictEqual(error(read(config)), invalid(words))
      const del = readNetConf("macvtap", "DEL", JSON.stringify({ name: "n", ...config }))
      assert.deepInclude(value(Effect.map(del, lenientLinkConf)), { options: {} })
    })
  }

  it("infinite numbers", () => {
    const conf = readNetConf("macvtap", "ADD", '{"name": "n", "mtu": 1e999}')
    const found = error(Effect.flatMap(conf, (read) => readLinkConf(read, {})))
    assert.deepStrictEqual(found, invalid(`mtu: ${unsigned31}, got Infinity`))
  })

  it("options that do not go together", () => {
    assert.match(error(read({ mode: "source" }))?.msg ?? "", /sourceMACs/)
    assert.match(error(read({ sourceMACs: ["02:03:04:05:06:07"] }))?.msg ?? "", /sourceMACs.*bridge/)
  })
})

describe("the MAC address", () => {
  const macs = {
    runtime: "02:00:00:00:00:01",
    cni: "02:00:00:00:00:02",
    args: "02:00:00:00:00:03",
    conf: "02:00:00:00:00:04"
  }
  const everywhere = { mac: macs.conf, args: { cni: { mac: macs.cni } }, runtimeConfig: { mac: macs.runtime } }

  it("is that of runtimeConfig, args.cni, CNI_ARGS, mac: the first that there is", () => {
    const { runtimeConfig: _, ...withoutRuntime } = everywhere
    const { args: __, ...withoutArgs } = withoutRuntime
    assert.strictEqual(value(read(everywhere, { mac: macs.args })).mac, macs.runtime)
    assert.strictEqual(value(read(withoutRuntime, { mac: macs.args })).mac, macs.cni)
    assert.strictEqual(value(read(withoutArgs, { mac: macs.args })).mac, macs.args)
    assert.strictEqual(value(read(withoutArgs)).mac, macs.conf)
    assert.strictEqual(value(read({})).mac, undefined)
  })

  it("an empty one counts as none", () => {
    assert.strictEqual(value(read({ ...everywhere, runtimeConfig: { mac: "" } })).mac, macs.cni)
    assert.strictEqual(value(read({ ...everywhere, runtimeConfig: { mac: null } })).mac, macs.cni)
  })

  it("the others are not looked at", () => {
    assert.strictEqual(
      value(read({ mac: "nonsense", runtimeConfig: { mac: macs.runtime } }, { mac: "xx" })).mac,
      macs.runtime
    )
  })

  it("is canonical", () => {
    assert.strictEqual(value(read({ mac: "02-AA-00-00-00-04" })).mac, "02:aa:00:00:00:04")
  })

  const bad: ReadonlyArray<readonly [config: object, args: CniArgs, problem: { code: number; msg: string }]> = [
    [{ mac: "xx" }, {}, invalid('mac: "xx" is no MAC address such as 02:03:04:05:06:07')],
    [
      { runtimeConfig: { mac: "01:00:5e:00:00:01" } },
      {},
      invalid(
        'runtimeConfig.mac: "01:00:5e:00:00:01" is a multicast address, which no link can have: ' +
          "the first byte must be even, such as 02"
      )
    ],
    [
      { args: { cni: { mac: "00:00:00:00:00:00" } } },
      {},
      invalid('args.cni.mac: "00:00:00:00:00:00" is the zero address, which no link can have')
    ],
    [
      {},
      { mac: "02:00:5e:10:00:00:00:01" },
      {
        code: 4,
        msg: 'invalid CNI_ARGS: MAC: "02:00:5e:10:00:00:00:01" is an address of 8 bytes; Ethernet\'s have 6, such as 02:03:04:05:06:07'
      }
    ],
    [{ mac: 5 }, {}, invalid("mac: expected a string, got 5")],
    [{ args: { cni: { mac: 5 } } }, {}, invalid("args.cni.mac: expected a string, got 5")],
    [{ args: "x" }, {}, invalid('args: expected an object, got "x"')]
  ]
  for (const [config, args, problem] of bad) {
    it(problem.msg, () => {
      assert.deepStrictEqual(error(read(config, args)), problem)
    })
  }
})
