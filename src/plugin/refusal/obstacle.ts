/** What a request met: the links that are in its way, described so that a user knows whose they are. */

import * as Effect from "effect/Effect"
import { describeAlias } from "../../cni/identity/alias.ts"
import { kindByName } from "../../link/kinds.ts"
import type { Link } from "../../link/Link.ts"
import type { LinkKind } from "../../link/LinkKind.ts"
import type { LinkSettings } from "../../link/LinkSpec.ts"
import { NetnsService } from "../../services/NetnsService.ts"
import { quote } from "../../wire/foreign.ts"
import { lowerOf } from "../link/parent.ts"
import { type Place, placeAt } from "../link/place.ts"

/** What was asked when the kernel refused. */
export interface Asked {
  readonly spec: LinkSettings & { readonly kind: LinkKind }
  readonly parent: Link | undefined
  /** Where the request was made: the host, or with `linkInContainer` the container. */
  readonly birthplace: Place
  readonly container: Place
  /** The link that is imported. */
  readonly device?: Link
  /** The link that was made, and is to go up. */
  readonly made?: Link
}

interface Found {
  readonly link: Link
  /** What it is, where it is, and whose. */
  readonly words: string
}

/** The first link beside the one asked for, on what lies in the birthplace, in any namespace of the node, that fits. */
export const findBeside = Effect.fnUntraced(function* (asked: Asked, fits: (link: Link) => boolean) {
  const { birthplace, container } = asked
  const own = asked.made ?? asked.device
  const isOther = (link: Link): boolean => fits(link) && !(link.name === own?.name && link.index === own?.index)
  const found = (link: Link, where: string): Found => ({ link, words: describeLink(link, where) })
  // A link's parent is in its own namespace unless it has a netnsid.
  const here = (yield* birthplace.route.linkList).find((link) => isOther(link) && link.parent?.netnsid === undefined)
  if (here !== undefined)
    return found(here, birthplace === container ? "the container" : "the host's network namespace")
  for (const path of yield* (yield* NetnsService).list) {
    const there = yield* placeAt(path).pipe(
      Effect.flatMap(({ route }) => route.linkList),
      Effect.map((links) => links.find((link) => isOther(link) && link.parent?.netnsid !== undefined)),
      Effect.scoped,
      Effect.catch(() => Effect.succeed(undefined))
    )
    if (there !== undefined) return found(there, path)
  }
  return undefined
})

/**
 * `link "net1" (macvtap in /run/netns/c1; its alias says attachment net1 of container c1 in network mynet)`. Name, kind and
 * namespace are the kernel's to say; an alias is its pod's, which may write another's name there.
 */
export const describeLink = (link: Link, where?: string): string => {
  const holder = describeAlias(link.alias)
  const place = where === undefined ? "" : ` in ${where}`
  const word = holder === undefined ? "" : `; its alias says ${holder}`
  return `link ${quote(link.name)} (${link.kind ?? "hardware"}${place}${word})`
}

/** Whether a link is one of those on `parent`. */
export const onParent = (parent: Link | undefined) => {
  const lower = parent && lowerOf(parent)
  return (link: Link): boolean =>
    lower !== undefined && link.parent?.index === lower.index && kindByName(link.kind ?? "") !== undefined
}
