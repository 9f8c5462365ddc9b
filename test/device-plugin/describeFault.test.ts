import * as Data from "effect/Data"
import { assert, it } from "vitest"
import { describeFault } from "../../src/device-plugin/describeFault.ts"
import { NetlinkError } from "../../src/services/NetlinkService.ts"

class Silent extends Data.TaggedError("Silent") {}

it.each<[unknown, string]>([
  [
    new NetlinkError({ operation: "link add", errno: "EEXIST", extack: "File exists" }),
    "link add: EEXIST: File exists"
  ],
  [new Error("two\nlines"), "two\\nlines"],
  [new Silent(), "Silent"],
  [{}, "no reason was given"],
  ["text", "text"],
  [undefined, "undefined"]
])("%j is told as %s", (error, words) => assert.strictEqual(describeFault(error), words))
