/** CNI_ARGS: `IgnoreUnknown=1;MAC=02:03:04:05:06:07;K8S_POD_NAME=web`. Keys are exact, values may be empty. */
import * as Effect from "effect/Effect"
import { quote, shorten } from "../../wire/foreign.ts"
import { CniError, codes } from "./CniError.ts"

export interface CniArgs {
  /** As it was given. */
  readonly mac?: string
  readonly podNamespace?: string
  readonly podName?: string
  readonly podUid?: string
  readonly infraContainerID?: string
}

/** What we read, by its key. */
const known: ReadonlyMap<string, keyof CniArgs> = new Map([
  ["MAC", "mac"],
  ["K8S_POD_NAMESPACE", "podNamespace"],
  ["K8S_POD_NAME", "podName"],
  ["K8S_POD_UID", "podUid"],
  ["K8S_POD_INFRA_CONTAINER_ID", "infraContainerID"]
])

/** IgnoreUnknown, and what IPAM plugins read: no error, and nothing for us. */
const passedOver = new Set(["IgnoreUnknown", "IP", "GATEWAY"])

const invalid = (problem: string): CniError =>
  new CniError({ code: codes.invalidEnvironment, msg: `invalid CNI_ARGS: ARGS: ${problem}` })

const booleans: Readonly<Record<string, boolean>> = { "1": true, true: true, "0": false, false: false }

type Pair = readonly [key: string, value: string]

const pairProblem = (pair: string): string | undefined => {
  const [key, value, ...more] = pair.split("=", 3)
  if (value === undefined || more.length > 0) {
    return `invalid pair ${quote(shorten(pair, 80))}`
  }
  return key === "IgnoreUnknown" && !Object.hasOwn(booleans, value.toLowerCase())
    ? `error parsing value of pair ${quote(shorten(pair, 80))}: expected 1, true, 0 or false`
    : undefined
}

/** The last of equal keys wins; an empty value is as good as none. */
const collect = (pairs: ReadonlyArray<Pair>): CniArgs => {
  const args: { -readonly [K in keyof CniArgs]: CniArgs[K] } = {}
  for (const [key, value] of pairs) {
    const name = known.get(key)
    if (name === undefined) continue
    if (value === "") delete args[name]
    else args[name] = value
  }
  return args
}

/** A pod is one pod: whoever could put a second namespace or UID behind the runtime's would be taken for another. */
const contradiction = (pairs: ReadonlyArray<Pair>): string | undefined =>
  pairs.find(
    ([key, value], at) =>
      key.startsWith("K8S_") && pairs.some((other, next) => next > at && other[0] === key && other[1] !== value)
  )?.[0]

/** The whole text is read before unknown keys are judged, so that IgnoreUnknown counts wherever it stands. */
export const readCniArgs = (text: string): Effect.Effect<CniArgs, CniError> => {
  if (text === "") {
    return Effect.succeed({})
  }
  const given = text.split(";")
  for (const pair of given) {
    const problem = pairProblem(pair)
    if (problem !== undefined) {
      return Effect.fail(invalid(problem))
    }
  }
  const pairs = given.map((pair): Pair => {
    const [key = "", value = ""] = pair.split("=")
    return [key, value]
  })
  const twice = contradiction(pairs)
  if (twice !== undefined) {
    return Effect.fail(invalid(`${quote(shorten(twice, 80))} is given twice, with different values`))
  }
  const ignore = pairs.findLast(([key]) => key === "IgnoreUnknown")?.[1].toLowerCase() ?? "0"
  const unknown = pairs.filter(([key]) => !known.has(key) && !passedOver.has(key))
  return booleans[ignore] || unknown.length === 0
    ? Effect.succeed(collect(pairs))
    : Effect.fail(
        invalid(
          `unknown args [${unknown
            .slice(0, 8)
            .map((pair) => quote(shorten(pair.join("="), 80)))
            .join(" ")}]`
        )
      )
}
