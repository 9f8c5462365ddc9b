import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { macvtap } from "../../src/link/macvtap.ts"
import { makeRtnetlink } from "../../src/live/netlink/rtnetlink.ts"
import { NLM_F_ECHO, RTM_DELLINK } from "../../src/netlink/constants.ts"
import { encodeLink } from "../../src/netlink/link.ts"
import { encode } from "../../src/netlink/message.ts"
import type { LogLevel } from "../../src/services/LogService.ts"
import { concat } from "../../src/wire/bytes.ts"
import { done, link, type Step, script, verdict } from "./transport.ts"

const silent = () => Effect.void

/** Of a process with other calls, whose poller never hears anything. */
const shared = { watch: () => () => {} }

describe("operations", () => {
  it.effect("take ENODEV for a link that is not there", () =>
    Effect.gen(function* () {
      const { transport } = script(Array.from({ length: 4 }, (): Step => (s) => ({ bytes: verdict(s, 19) })))
      const rt = makeRtnetlink(transport, silent)
      assert.deepInclude(yield* Effect.flip(rt.linkGet("net1")), { _tag: "LinkNotFound", link: "net1" })
      assert.deepInclude(yield* Effect.flip(rt.linkSet(7, { up: true })), { _tag: "LinkNotFound", link: 7 })
      assert.deepInclude(yield* Effect.flip(rt.linkDel(8)), { _tag: "LinkNotFound", link: 8 })
      const add = yield* Effect.flip(rt.linkAdd({ kind: macvtap, name: "net1", parent: 9 }))
      assert.deepInclude(add, { _tag: "NetlinkError", operation: "ip link add net1 type macvtap", errno: "ENODEV" })
    })
  )

  it.effect("take an answer without what was asked for as none", () =>
    Effect.gen(function* () {
      const nameless = script([(s) => ({ bytes: link(s, 3, "") })])
      assert.deepInclude(yield* Effect.flip(makeRtnetlink(nameless.transport, silent).linkGet(3)), { errno: "EPROTO" })
      const empty = script([(s) => ({ bytes: verdict(s, 0) })])
      assert.deepInclude(yield* Effect.flip(makeRtnetlink(empty.transport, silent).linkGet(3)), { errno: "EPROTO" })
    })
  )

  it.effect("are sent again from another thread that a signal woke", () =>
    Effect.gen(function* () {
      const { transport, sent } = script([(s) => ({ bytes: verdict(s, 0) })], { send: ["EINTR", "EINTR"], tick: 100 })
      const send = async (bytes: Uint8Array) => transport.send(bytes)
      yield* makeRtnetlink({ ...transport, shared: { ...shared, send } }, silent).linkDel(8)
      assert.lengthOf(sent, 1)
    })
  )

  const notice = (sequence: number, index = 8): Uint8Array =>
    encode({ type: RTM_DELLINK, flags: 0, body: encodeLink(index, []) }, sequence, 77)

  it.effect("that delete a link are done by the kernel's notice, which comes long before its verdict", () =>
    Effect.gen(function* () {
      const foreign: Step = (s) => ({ bytes: notice(s), sender: 4711 })
      const steps: ReadonlyArray<Step> = [
        foreign,
        (s) => ({ bytes: notice(s + 1) }),
        // A veth whose other end was deleted elsewhere, by somebody who chose port and number.
        (s) => ({ bytes: notice(s, 9) }),
        "EAGAIN",
        (s) => ({ bytes: notice(s) })
      ]
      const { transport, sent, waited } = script(steps)
      let watching = 0
      const send = (bytes: Uint8Array): Promise<never> => {
        transport.send(bytes)
        return new Promise(() => {})
      }
      const watch = (ready: () => void): (() => void) => {
        watching++
        const timer = setInterval(ready, 1)
        return () => {
          watching--
          clearInterval(timer)
        }
      }
      yield* makeRtnetlink({ ...transport, shared: { ...shared, send, watch } }, silent).linkDel(8)
      assert.strictEqual((sent[0]?.flags ?? 0) & NLM_F_ECHO, NLM_F_ECHO)
      assert.deepStrictEqual(waited, [false, false, false, false, false])
      assert.strictEqual(watching, 0)
    })
  )

  it.effect("that delete a link are refused by the verdict, heard by whichever thread comes first", () =>
    Effect.gen(function* () {
      for (const heard of [true, false]) {
        const { transport } = script([(s) => ({ bytes: verdict(s, 95) })])
        const send = async (bytes: Uint8Array): Promise<unknown> => {
          transport.send(bytes)
          return heard ? new Promise(() => {}) : undefined
        }
        const watch = (ready: () => void): (() => void) => {
          const timer = heard ? setInterval(ready, 1) : undefined
          return () => clearInterval(timer)
        }
        const rt = makeRtnetlink({ ...transport, shared: { ...shared, send, watch } }, silent)
        assert.deepInclude(yield* Effect.flip(rt.linkDel(8)), { errno: "EOPNOTSUPP" })
      }
    })
  )

  it.effect("that delete a link go by what is left where something was lost", () =>
    Effect.gen(function* () {
      const deleted = (steps: ReadonlyArray<Step>) => {
        const { transport } = script(steps)
        const send = (bytes: Uint8Array): Promise<never> => {
          transport.send(bytes)
          return new Promise(() => {})
        }
        const watch = (ready: () => void): (() => void) => {
          const timer = setInterval(ready, 1)
          return () => clearInterval(timer)
        }
        return Effect.result(makeRtnetlink({ ...transport, shared: { send, watch } }, silent).linkDel(8))
      }
      assert.strictEqual((yield* deleted(["ENOBUFS", (s) => ({ bytes: notice(s) })]))._tag, "Success")
      const lost = yield* deleted(["EINTR", "ENOBUFS"])
      assert.deepInclude(lost._tag === "Failure" ? lost.failure : {}, { errno: "ENOBUFS" })
    })
  )

  it.effect("that cannot be sent for a fault of ours end, and nothing else does", () =>
    Effect.gen(function* () {
      const { transport } = script([])
      const send = (): Promise<never> => Promise.reject(new Error("no errno"))
      const exit = yield* Effect.exit(makeRtnetlink({ ...transport, shared: { ...shared, send } }, silent).linkDel(8))
      assert.isTrue(Exit.hasDies(exit))
    })
  )

  it.effect("tell an unknown kind from a known one, and neither from a failure", () =>
    Effect.gen(function* () {
      const { transport } = script(
        [95, 22, 1].map(
          (errno): Step =>
            (s) => ({ bytes: verdict(s, errno) })
        )
      )
      const rt = makeRtnetlink(transport, silent)
      assert.isFalse(yield* rt.kindExists(macvtap))
      assert.isTrue(yield* rt.kindExists(macvtap))
      assert.deepInclude(yield* Effect.flip(rt.kindExists(macvtap)), { errno: "EPERM" })
    })
  )
})

describe("the debug log", () => {
  const dump: Step = (s) => ({ bytes: concat([link(s, 1, "one"), link(s, 2, "two"), done(s)]) })

  it.effect("has the request, and each message and mishap in order", () =>
    Effect.gen(function* () {
      const lines: Array<readonly [LogLevel, string]> = []
      const { transport } = script(["ENOBUFS", "EAGAIN", dump])
      yield* makeRtnetlink(transport, (level, line) => Effect.sync(() => void lines.push([level, line()]))).linkList
      assert.isTrue(lines.every(([level]) => level === "debug"))
      const text = lines.map(([, line]) => line)
      assert.match(text[0] ?? "", /^> ip link show: .*RTM_GETLINK/)
      assert.deepStrictEqual(text.slice(1, 3), ["! ENOBUFS", "! ENOBUFS: asked again"])
      assert.match(text[3] ?? "", /^< .*RTM_NEWLINK index 1 .*"one"/)
      assert.match(text[4] ?? "", /^< .*"two"/)
      assert.match(text[5] ?? "", /^< .*done/)
      assert.strictEqual(text.length, 6)
    })
  )

  it.effect("that nobody reads is asked twice for a whole dump, and decodes nothing", () =>
    Effect.gen(function* () {
      let asked = 0
      const { transport } = script([dump])
      yield* makeRtnetlink(transport, () => Effect.sync(() => void asked++)).linkList
      assert.strictEqual(asked, 2)
    })
  )
})
