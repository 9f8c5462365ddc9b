import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE, NLMSG_ERROR } from "../../src/netlink/constants.ts"
import { decode, encode, readError } from "../../src/netlink/message.ts"
import { encodeAttributes } from "../../src/wire/attribute.ts"
import { concat, cstring, s32, u32 } from "../../src/wire/bytes.ts"

const within = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))

const messages = Arbitrary.schema(
  Schema.Array(
    Schema.Struct({
      type: within(0xffff),
      flags: within(0xffff),
      sequence: within(0xffffffff),
      port: within(0xffffffff),
      body: Schema.Array(within(255))
    })
  )
)

describe("messages", () => {
  it.prop("encoded one behind the other, and decoded back", [messages], ([list]) => {
    const datagram = concat(
      list.map(({ body, port, sequence, ...rest }) => encode({ ...rest, body: Uint8Array.from(body) }, sequence, port))
    )
    assert.deepStrictEqual(
      decode(datagram).map((message) => ({ ...message, body: [...message.body] })),
      list.map((message) => ({ ...message, body: [...message.body] }))
    )
  })

  it("are views: nothing is copied", () => {
    const datagram = encode({ type: 16, flags: 0, body: u32(1) }, 1, 1)
    const [message] = decode(datagram)
    assert.strictEqual(message?.body.buffer, datagram.buffer)
  })
})

describe("verdicts", () => {
  const words = encodeAttributes([{ type: 1, payload: cstring("no such thing") }])
  const header = (length: number) => concat([u32(length), new Uint8Array(12)])
  const request = (size: number) => concat([header(16 + size), new Uint8Array(size)])

  it.each([
    ["capped", NLM_F_CAPPED | NLM_F_ACK_TLVS, header(64)],
    ["whole", NLM_F_ACK_TLVS, request(48)],
    ["whole, of a length that is padded", NLM_F_ACK_TLVS, concat([header(16 + 5), new Uint8Array(8)])]
  ])("words are found behind a request that is %s", (_, flags, quoted) => {
    const body = concat([s32(-22), quoted, words])
    assert.deepStrictEqual(readError({ type: NLMSG_ERROR, flags, body }), { errno: 22, extack: "no such thing" })
  })

  it("words are found behind the error at the end of a dump", () => {
    const body = concat([s32(-19), words])
    assert.deepStrictEqual(readError({ type: NLMSG_DONE, flags: NLM_F_ACK_TLVS, body }), {
      errno: 19,
      extack: "no such thing"
    })
  })

  it("words are not looked for where the kernel says there are none", () => {
    const body = concat([s32(-22), header(64), words])
    assert.deepStrictEqual(readError({ type: NLMSG_ERROR, flags: NLM_F_CAPPED, body }), { errno: 22 })
  })

  it("an acknowledgement is errno 0, and no negative zero", () => {
    const { errno } = readError({ type: NLMSG_ERROR, flags: NLM_F_CAPPED, body: concat([s32(0), header(20)]) })
    assert.isTrue(Object.is(errno, 0))
  })
})
