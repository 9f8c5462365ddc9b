/** A look through the plugin's own services, whichever kernel they are of. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { Link } from "../../src/link/Link.ts"
import type { Services } from "../../src/plugin/call.ts"
import type { CallerService } from "../../src/services/CallerService.ts"
import { NetlinkService } from "../../src/services/NetlinkService.ts"
import { NetnsService } from "../../src/services/NetnsService.ts"
import { TapService } from "../../src/services/TapService.ts"
import { describeLink, describeNode } from "./describe.ts"
import type { Seen } from "./Stage.ts"

const linksOf = (netns: string) =>
  Effect.gen(function* () {
    const handle = yield* (yield* NetnsService).open(netns)
    return yield* (yield* (yield* NetlinkService).connect(handle)).linkList
  }).pipe(Effect.scoped)

export interface Look {
  readonly links: (netns: string) => Promise<ReadonlyArray<Link>>
  readonly look: (netns: string, typed: string) => Promise<Seen>
  readonly tapNode: (ifindex: number) => Promise<Seen>
}

export const lookThrough = (machine: Layer.Layer<Exclude<Services, CallerService>>): Look => {
  const links = (netns: string) => Effect.runPromise(Effect.provide(linksOf(netns), machine))
  return {
    links,
    look: async (netns, typed) => ({ typed, lines: (await links(netns)).flatMap(describeLink) }),
    tapNode: async (ifindex) => {
      const asked = Effect.flatMap(TapService, (taps) => taps.node(ifindex))
      const node = await Effect.runPromise(Effect.provide(asked, machine))
      const path = `/dev/tap${ifindex}`
      return { typed: `ls -ln ${path}`, lines: [node === undefined ? `${path} is not there` : describeNode(node)] }
    }
  }
}
