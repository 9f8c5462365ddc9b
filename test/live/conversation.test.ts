import { assert, describe, it } from "vitest"
import { type Answer, converse } from "../../src/live/netlink/conversation.ts"
import { NLM_F_DUMP_INTR, NLM_F_MULTI, RTM_DELLINK, RTM_NEWLINK } from "../../src/netlink/constants.ts"
import { encodeLink } from "../../src/netlink/link.ts"
import { encode, type Request } from "../../src/netlink/message.ts"
import { linkDel, linkDump, linkGet } from "../../src/netlink/requests.ts"
import { concat } from "../../src/wire/bytes.ts"
import { done, link, overrun, type Script, type Step, script, verdict } from "./transport.ts"

const talk = (request: Request, played: Script): Answer => {
  let sequence = 0
  return converse(
    played.transport,
    request,
    () => ++sequence,
    (event) => void played.events.push(event)
  )
}

/** Bytes alone, as one datagram of the kernel. */
const bytes =
  (...parts: ReadonlyArray<(sequence: number) => Uint8Array>): Step =>
  (sequence) => ({ bytes: concat(parts.map((part) => part(sequence))) })

const acknowledged = bytes((sequence) => verdict(sequence, 0))
const refusal = (errno: string): Answer => ({ _tag: "Refused", errno })

describe("a request", () => {
  it("ends with the kernel's acknowledgement", () => {
    assert.deepStrictEqual(talk(linkDel(3), script([acknowledged])), { _tag: "Answered", messages: [] })
  })

  it("ends with the kernel's refusal", () => {
    assert.deepStrictEqual(talk(linkDel(3), script([bytes((s) => verdict(s, 19))])), refusal("ENODEV"))
  })

  it("that asks for one thing ends with it", () => {
    const answer = talk(linkGet(3), script([bytes((s) => link(s, 3, "a"))]))
    assert.strictEqual(answer._tag === "Answered" && answer.messages.length, 1)
  })

  it("goes on after signals, whether sending or receiving", () => {
    const played = script(["EINTR", "EINTR", acknowledged], { send: ["EINTR", "EINTR"] })
    assert.strictEqual(talk(linkDel(3), played)._tag, "Answered")
    assert.strictEqual(played.sent.length, 1)
  })

  it("does not outlive its time limit, however many signals come", () => {
    const signals = Array.from({ length: 100 }, () => "EINTR")
    assert.deepStrictEqual(talk(linkDel(3), script(signals, { tick: 1000 })), refusal("ETIMEDOUT"))
    assert.deepStrictEqual(talk(linkDel(3), script([], { tick: 1000, send: signals })), refusal("EINTR"))
  })

  it("without an answer has timed out", () => {
    assert.deepStrictEqual(talk(linkDel(3), script([])), refusal("ETIMEDOUT"))
  })

  it("passes over what others send, and answers to earlier requests", () => {
    const played = script([
      (s) => ({ bytes: verdict(s, 1), sender: 4711 }),
      bytes((s) => verdict(s + 1000, 1)),
      bytes((s) => verdict(s - 1, 1)),
      acknowledged
    ])
    assert.strictEqual(talk(linkDel(3), played)._tag, "Answered")
  })

  it("is not answered by the notice of a deletion that bears its number", () => {
    const notice = (s: number) => encode({ type: RTM_DELLINK, flags: 0, body: encodeLink(9, []) }, s, 77)
    const answer = talk(linkGet(3), script([bytes(notice), bytes((s) => link(s, 3, "a"))]))
    assert.strictEqual(answer._tag === "Answered" && answer.messages.length, 1)
    assert.strictEqual(answer._tag === "Answered" && answer.messages[0]?.type, RTM_NEWLINK)
  })

  it("does not listen to others for ever", () => {
    const others: ReadonlyArray<Step> = Array.from({ length: 100 }, () => (s: number) => ({
      bytes: verdict(s, 0),
      sender: 1
    }))
    assert.deepStrictEqual(talk(linkDel(3), script(others, { tick: 1000 })), refusal("ETIMEDOUT"))
    const late: ReadonlyArray<Step> = Array.from({ length: 100 }, () => bytes((s) => verdict(s + 1, 0)))
    assert.deepStrictEqual(talk(linkDel(3), script(late, { tick: 1000 })), refusal("ETIMEDOUT"))
  })

  it("answered by garbage makes no sense", () => {
    for (const garbage of [
      new Uint8Array(0),
      Uint8Array.of(1, 2, 3),
      new Uint8Array(64),
      new Uint8Array(64).fill(255)
    ]) {
      assert.deepStrictEqual(talk(linkDel(3), script([() => ({ bytes: garbage })])), refusal("EPROTO"))
    }
  })

  it("with another error of the socket fails with it", () => {
    assert.deepStrictEqual(talk(linkDel(3), script(["ENETDOWN"])), refusal("ENETDOWN"))
    assert.deepStrictEqual(talk(linkDel(3), script([], { send: ["EPERM"] })), refusal("EPERM"))
  })

  it("does not hide bugs of the transport", () => {
    const played = script([])
    const broken = { ...played, transport: { ...played.transport, receive: () => assert.fail("a bug") } }
    assert.throws(() => talk(linkDel(3), broken), "a bug")
  })
})

describe("a lost answer", () => {
  it("to a change is an error: it is never sent twice", () => {
    for (const loss of ["ENOBUFS", bytes(overrun)]) {
      const played = script([loss])
      assert.deepStrictEqual(talk(linkDel(3), played), refusal("ENOBUFS"))
      assert.strictEqual(played.sent.length, 1)
    }
  })

  it("to a change is looked for, without waiting, before it counts as lost", () => {
    const played = script(["ENOBUFS", acknowledged])
    assert.strictEqual(talk(linkDel(3), played)._tag, "Answered")
    assert.deepStrictEqual(played.waited, [true, false])
  })

  it("that never stops getting lost ends with the time limit", () => {
    const losses = Array.from({ length: 100 }, () => "ENOBUFS")
    assert.deepStrictEqual(talk(linkDel(3), script(losses, { tick: 1000 })), refusal("ENOBUFS"))
  })

  it("to a question is asked for again, under a new number", () => {
    const played = script(["ENOBUFS", "EAGAIN", bytes((s) => link(s, 3, "a"))])
    assert.strictEqual(talk(linkGet(3), played)._tag, "Answered")
    assert.deepStrictEqual(
      played.sent.map(({ sequence }) => sequence),
      [1, 2]
    )
  })

  it("that did not fit the buffer is asked for again", () => {
    const cut: Step = (s) => ({ bytes: link(s, 3, "a").subarray(0, 20), size: 70000 })
    assert.strictEqual(talk(linkGet(3), script([cut, "EAGAIN", bytes((s) => link(s, 3, "a"))]))._tag, "Answered")
    assert.deepStrictEqual(talk(linkDel(3), script([cut])), refusal("EMSGSIZE"))
  })

  it("that gets lost every time is given up", () => {
    const played = script(Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? "ENOBUFS" : "EAGAIN")))
    assert.deepStrictEqual(talk(linkGet(3), played), refusal("ENOBUFS"))
    assert.strictEqual(played.sent.length, 8)
  })

  it("because the kernel had no memory for the question is asked for again; a change was not made", () => {
    const played = script([bytes((s) => link(s, 3, "a"))], { send: ["ENOBUFS"] })
    assert.strictEqual(talk(linkGet(3), played)._tag, "Answered")
    assert.deepStrictEqual(talk(linkDel(3), script([], { send: ["ENOBUFS"] })), refusal("ENOBUFS"))
  })
})

describe("a dump", () => {
  const part =
    (index: number, flags = 0) =>
    (sequence: number) =>
      link(sequence, index, `l${index}`, NLM_F_MULTI | flags)
  const count = (answer: Answer): number => (answer._tag === "Answered" ? answer.messages.length : -1)

  it("comes in several datagrams, several messages each, up to NLMSG_DONE", () => {
    assert.strictEqual(count(talk(linkDump(), script([bytes(part(1), part(2)), bytes(part(3)), bytes(done)]))), 3)
    assert.strictEqual(count(talk(linkDump(), script([bytes(part(1), done)]))), 1)
    assert.strictEqual(count(talk(linkDump(), script([bytes(done)]))), 0)
  })

  it("can end with an error, in either way", () => {
    assert.deepStrictEqual(talk(linkDump(), script([bytes(part(1)), bytes((s) => done(s, 0, 22))])), refusal("EINVAL"))
    assert.deepStrictEqual(talk(linkDump(), script([bytes((s) => verdict(s, 1))])), refusal("EPERM"))
  })

  it("that changed meanwhile is read to its end and asked for again", () => {
    const interrupted: ReadonlyArray<ReadonlyArray<Step>> = [
      [bytes(part(1, NLM_F_DUMP_INTR)), bytes(done)],
      [bytes(part(1)), bytes((s) => done(s, NLM_F_DUMP_INTR))]
    ]
    for (const first of interrupted) {
      const played = script([...first, bytes(part(1), part(2)), bytes(done)])
      assert.strictEqual(count(talk(linkDump(), played)), 2)
      assert.strictEqual(played.sent.length, 2)
      assert.deepInclude(played.events, { note: "EINTR: asked again" })
    }
  })

  it("that changes every time is given up", () => {
    const again = Array.from({ length: 20 }, () => bytes((s) => done(s, NLM_F_DUMP_INTR)))
    const played = script(again)
    assert.deepStrictEqual(talk(linkDump(), played), refusal("EINTR"))
    assert.strictEqual(played.sent.length, 8)
  })

  it("of which a part was lost is read to its end and asked for again", () => {
    for (const loss of ["ENOBUFS", bytes(overrun)]) {
      const played = script([bytes(part(1)), loss, bytes(part(3)), bytes(done), bytes(part(1), part(2), part(3), done)])
      assert.strictEqual(count(talk(linkDump(), played)), 3)
      assert.strictEqual(played.sent.length, 2)
    }
  })

  it("may be slow as long as it goes on", () => {
    const slow = Array.from({ length: 30 }, (_, i) => bytes(part(i + 1)))
    assert.strictEqual(count(talk(linkDump(), script([...slow, bytes(done)], { tick: 1000 }))), 30)
  })
})
