/** A link that has its addresses goes up. */
import * as Effect from "effect/Effect"
import type { Link } from "../../link/Link.ts"
import { ConfigService } from "../ConfigService.ts"
import { explainRefusal } from "../refusal/explain.ts"
import type { Place } from "./place.ts"

/** `ip link set <link> up`; only now the kernel looks whether another link has the MAC address. */
export const goUp = Effect.fnUntraced(function* (host: Place, container: Place, link: Link) {
  const { network, link: config } = yield* ConfigService
  yield* container.route.linkSet(link.index, { up: true }).pipe(
    Effect.catchTag("NetlinkError", (error) =>
      Effect.gen(function* () {
        const birthplace = link.parent?.netnsid === undefined ? container : host
        const parent =
          link.parent === undefined
            ? undefined
            : yield* birthplace.route.linkGet(link.parent.index).pipe(Effect.catch(() => Effect.succeed(undefined)))
        const spec = { ...link, kind: network.kind, options: config.options }
        return yield* explainRefusal(error, { spec, parent, birthplace, container, made: link })
      })
    )
  )
})
