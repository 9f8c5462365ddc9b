/** stdin that cannot be read. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readStdin, StdinError } from "../../src/cni/call/Invocation.ts"
import { error, value } from "./outcome.ts"

const invocation = (stdin: Effect.Effect<string, StdinError>) => ({ program: "macvtap", env: {}, stdin })

describe("stdin", () => {
  it("is the configuration's text", () => {
    assert.strictEqual(value(readStdin(invocation(Effect.succeed("{}")))), "{}")
  })
  it("that cannot be read is code 5", () => {
    assert.deepStrictEqual(error(readStdin(invocation(Effect.fail(new StdinError({ message: "EISDIR" }))))), {
      code: 5,
      msg: "error reading from stdin: EISDIR"
    })
  })
})
