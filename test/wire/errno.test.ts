import { constants } from "node:os"
import { assert, describe, it } from "@effect/vitest"
import { errnoName } from "../../src/wire/errno.ts"

/** Numbers that have two names: Linux's table gives each its first. */
const aliases = ["EWOULDBLOCK", "ENOTSUP"]

describe("errnoName", () => {
  it("agrees with Node on what Node knows", () => {
    for (const [name, errno] of Object.entries(constants.errno)) {
      if (!aliases.includes(name)) assert.strictEqual(errnoName(errno), name)
    }
  })

  it("knows what Node does not", () => {
    assert.strictEqual(errnoName(132), "ERFKILL")
    assert.strictEqual(errnoName(133), "EHWPOISON")
  })

  it("gives the number where there is no name", () => {
    for (const errno of [0, 41, 58, 134, 4095]) assert.strictEqual(errnoName(errno), `E${errno}`)
  })
})
