import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { dialLimit, firstDelay, initial, longestDelay, truce } from "../../../src/device-plugin/endpoint/Endpoint.ts"
import { step } from "../../../src/device-plugin/endpoint/step.ts"
import { disturbances, moods, Simulation } from "./simulation.ts"

const Move = Schema.Struct({
  what: Schema.Literals([...disturbances, ...moods]),
  wait: Schema.Literals([0, 1, 2, 3, 4, 90, 200, 3000, 12_000, 40_000])
})
type Move = typeof Move.Type

const isMood = (what: Move["what"]): what is (typeof moods)[number] => moods.some((mood) => mood === what)

/** A node on which all that has happened, in that order. */
const nodeAfter = (moves: ReadonlyArray<Move>): Simulation => {
  const node = new Simulation()
  for (const { what, wait } of moves) {
    if (isMood(what)) node.mood = what
    else node.disturb(what)
    node.pass(wait)
  }
  return node
}

const manyMoves = { arbitrary: { runs: 1000, size: 40 } }

/** Milliseconds for the answers of a kubelet that works. */
const slack = 20

describe("an endpoint, whatever happens in whichever order", () => {
  it.prop(
    "is never registered or served twice at once",
    [Schema.Array(Move)],
    ([moves]) => {
      assert.deepStrictEqual(nodeAfter(moves).faults, [])
    },
    manyMoves
  )

  it.prop(
    "is known to a new kubelet at once",
    [Schema.Array(Move)],
    ([moves]) => {
      const node = nodeAfter([...moves, { what: "sockets work", wait: 0 }, { what: "takes", wait: 0 }])
      node.disturb("kubelet starts")
      node.pass(firstDelay + slack)
      assert.isTrue(node.known, JSON.stringify(node.state))
      assert.deepStrictEqual(node.faults, [])
    },
    manyMoves
  )

  it.prop(
    "is known to the kubelet within the longest delay",
    [Schema.Array(Move)],
    ([moves]) => {
      const node = nodeAfter([
        { what: "kubelet starts", wait: 0 },
        ...moves.filter(({ what }) => what !== "folder removed")
      ])
      const wasTaken = moves.some(({ what }) => what === "place taken")
      node.mood = "takes"
      node.disturb("sockets work")
      if (moves.findLast(({ what }) => what.startsWith("kubelet "))?.what === "kubelet stops")
        node.disturb("kubelet starts")
      // One that did not call back is waited for first, and so is an answer that does not come.
      node.pass(dialLimit + longestDelay + (wasTaken ? truce : 0) + slack)
      assert.isTrue(node.known, JSON.stringify(node.state))
      node.pass(3_600_000)
      assert.isTrue(node.known, "and stays so")
    },
    manyMoves
  )

  it.prop("asks a kubelet that refuses ever less often, but never gives up", [Schema.Array(Move)], ([moves]) => {
    const node = nodeAfter([...moves, { what: "sockets work", wait: 0 }, { what: "refuses", wait: 0 }])
    node.disturb("kubelet starts")
    node.pass(60_000)
    const before = node.state.registrations
    node.pass(600_000)
    assert.approximately(node.state.registrations - before, 600_000 / longestDelay, 2)
  })
})

describe("an endpoint's step", () => {
  it("leaves alone for a while what another daemon has taken, unless there is a new kubelet", () => {
    const node = nodeAfter([
      { what: "kubelet starts", wait: 200 },
      { what: "place taken", wait: 0 }
    ])
    node.pass(truce - 1000)
    assert.isFalse(node.known)
    node.pass(2000)
    assert.isTrue(node.known)
  })

  it("is not dropped by the end of an old stream, before the kubelet has called back", () => {
    const known = {
      ...initial,
      folder: { exists: true, socket: "1" },
      serving: "yes",
      registration: { _tag: "Known", socket: "1", at: 0, dialled: false }
    } as const
    const { state, actions } = step(known, { _tag: "Streams", open: 0 }, 5)
    assert.deepStrictEqual([state, actions], [known, []])
  })

  it("hears nothing of a registration that it has abandoned", () => {
    const stale = step(initial, { _tag: "Registered", number: 0 }, 0)
    assert.deepStrictEqual(stale, { state: initial, actions: [] })
  })
})
