/** The words of the conversation, on the agent's side. */
import { assert, describe, it } from "vitest"
import { readOpening, readWord, waitStatus } from "../../src/agent/conversation/conversation.ts"

describe("the first packet", () => {
  it("is a call, or asks for the status", () => {
    assert.deepStrictEqual(readOpening("macvtap 1 call 0 2 115 macvlan"), {
      _tag: "Call",
      stdinErrno: 0,
      netnsErrno: 2,
      environment: 115,
      program: "macvlan"
    })
    assert.deepStrictEqual(readOpening("macvtap 1 status"), { _tag: "Status" })
  })

  it("has a program of any name", () => {
    const opening = readOpening("macvtap 1 call 0 0 9 a b\nc ")
    assert.strictEqual(opening._tag === "Call" ? opening.program : undefined, "a b\nc ")
    assert.strictEqual(readOpening("macvtap 1 call 0 0 0 ")._tag, "Call")
  })

  it.each([
    ["another version", "macvtap 2 call 0 0 0 macvtap", /version 1/],
    ["a word that is not known", "macvtap 1 sing", /does not know/],
    ["half a call", "macvtap 1 call 0", /does not know/],
    ["a call without the length of its environment", "macvtap 1 call 0 0 macvtap", /does not know/],
    ["numbers that are none", "macvtap 1 call -1 x 0 macvtap", /does not know/],
    ["nothing of ours", "GET / HTTP/1.1\r\n", /no words/],
    ["nothing", "", /no words/]
  ])("that is %s is refused in words", (_, text, words) => {
    const opening = readOpening(text)
    assert.match(opening._tag === "Unknown" ? opening.problem : "", words)
  })
})

describe("a client's words", () => {
  it.each([
    ["delivered", { _tag: "Delivered" }],
    ["undelivered 32", { _tag: "Undelivered", errno: 32 }],
    ["ended 256", { _tag: "Ended", status: 256 }],
    ["unstarted 2", { _tag: "Unstarted", errno: 2 }],
    ["stop 15", { _tag: "Stop", signal: 15 }]
  ])("%s", (text, word) => assert.deepStrictEqual(readWord(text) as object, word))

  it.each(["", "delivered 1", "ended", "ended x", "stop -1", "ended 99999999999", " delivered"])("%j is none", (text) =>
    assert.isUndefined(readWord(text))
  )
})

it("a status of wait(2) is said as of any child", () => {
  assert.strictEqual(waitStatus(0), "exit status 0")
  assert.strictEqual(waitStatus(3 << 8), "exit status 3")
  assert.strictEqual(waitStatus(9), "signal SIGKILL")
  assert.strictEqual(waitStatus(11 | 0x80), "signal SIGSEGV")
})
