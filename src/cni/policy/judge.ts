/** Whether a policy allows what a network asks for, and by which rules it does not. Pure. */
import { quote } from "../../wire/foreign.ts"
import type { Policy, Rule } from "./Policy.ts"
import { isPattern, matches } from "./pattern.ts"

/** What a network asks for, as far as policies have a say. */
export interface Asked {
  /** `K8S_POD_NAMESPACE`; absent where the caller names none. */
  readonly namespace?: string
  readonly kind: string
  /** As it is made; absent where the device decides. */
  readonly mode?: string
  /** The host's link that it will be on; absent where the device decides, or the container's own link is the master. */
  readonly master?: { readonly name: string; readonly isOthersEnd: boolean }
  readonly deviceID?: string
  readonly promiscMode: boolean
  readonly owner?: number
  readonly group?: number
}

/** Nothing where a rule allows it; else what is in the way, one text for each rule that applies. */
export const objections = ({ rules }: Policy, asked: Asked): ReadonlyArray<string> => {
  const applying = rules.filter((rule) => applies(rule, asked.namespace))
  if (applying.length === 0) return [`no rule is for ${placeOf(asked.namespace)}`]
  const found = applying.map((rule) => ({ rule, objection: objection(rule, asked) }))
  return found.some(({ objection }) => objection === undefined)
    ? []
    : found.map(({ rule, objection }) => `${rule.called} allows ${objection}`)
}

/** A caller without a namespace gets what every namespace gets: the rules for all of them. */
const applies = ({ namespaces }: Rule, namespace: string | undefined): boolean =>
  namespaces === undefined || (namespace !== undefined && matchesOne(namespaces, namespace))

/** `namespace "web"`, `a call without K8S_POD_NAMESPACE`. */
export const placeOf = (namespace: string | undefined): string =>
  namespace === undefined ? "a call without K8S_POD_NAMESPACE" : `namespace ${quote(namespace)}`

/** What a rule allows instead of the first thing that it does not, in words; undefined where it allows all. */
const objection = (rule: Rule, asked: Asked): string | undefined => {
  const { kind, mode, master, deviceID, promiscMode, owner, group } = asked
  if (!rule.kinds.includes(kind)) return instead("the kinds", rule.kinds, kind)
  if (deviceID !== undefined && !matchesOne(rule.deviceID, deviceID))
    return instead("as deviceID", rule.deviceID, deviceID)
  if (master !== undefined && !matchesOne(rule.masters, master.name))
    return instead("the masters", rule.masters, master.name)
  if (master?.isOthersEnd === true && !rule.masters.some((name) => !isPattern(name) && name === master.name))
    return `${quote(master.name)} by a pattern only, but its other end is in another network namespace: such a link has to be named`
  if (mode !== undefined && !rule.modes.includes(mode)) return instead("the modes", rule.modes, mode)
  if (promiscMode && !rule.promiscMode) return "no promiscMode"
  if (owner !== undefined && !rule.owner.includes(owner)) return instead("as owner", rule.owner, owner)
  if (group !== undefined && !rule.group.includes(group)) return instead("as group", rule.group, group)
  return undefined
}

const instead = (what: string, allowed: ReadonlyArray<string | number>, asked: string | number): string =>
  `${what} ${allowed.length === 0 ? "nothing" : allowed.map(quote).join(", ")}, not ${quote(asked)}`

const matchesOne = (patterns: ReadonlyArray<string>, text: string): boolean =>
  patterns.some((pattern) => matches(pattern, text))
