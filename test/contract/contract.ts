/** What this project relies on of a kernel. The one in memory and the real one are held to the same. */
import { describe } from "vitest"
import { addresses } from "./addresses.ts"
import { inWorld } from "./inWorld.ts"
import { links } from "./links.ts"
import { moves } from "./moves.ts"
import { namespaces } from "./namespaces.ts"
import { removals } from "./removals.ts"
import { routes } from "./routes.ts"
import { sharing } from "./sharing.ts"
import { taps } from "./taps.ts"
import type { MakeWorld } from "./World.ts"

export const contract = (name: string, make: MakeWorld): void => {
  const it = inWorld(make)
  describe(name, () => {
    describe("a link", () => links(it))
    describe("a move", () => moves(it))
    describe("links on one parent", () => sharing(it))
    describe("taps", () => taps(it))
    describe("addresses", () => addresses(it))
    describe("routes", () => routes(it))
    describe("what is taken away", () => removals(it))
    describe("namespaces", () => namespaces(it))
  })
}
