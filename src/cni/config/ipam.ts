/** Which IPAM plugin a network delegates to. */
import * as Result from "effect/Result"
import { kinds } from "../../link/kinds.ts"
import { quote, shorten } from "../../wire/foreign.ts"
import { type Decoder, struct } from "../decode/decode.ts"
import { checked, text } from "../decode/decoders.ts"

export interface Ipam {
  /** The delegate's file name. */
  readonly type: string
  /** It asks over the link itself, which therefore has to be up before. */
  readonly overLink: boolean
}

/** A delegate is a file in CNI_PATH, so never a path; and one that makes links as we do would call us again, for ever. */
const typeProblem = (program: string) => (type: string) => {
  const shown = quote(shorten(type, 80))
  if (type.includes("/") || type.includes("\0")) {
    return `invalid plugin name: ${shown} must be the name of a file in CNI_PATH`
  }
  return type === program || kinds.some(({ kind }) => kind === type)
    ? `${shown} is this plugin itself; expected an IPAM plugin such as "host-local"`
    : undefined
}

/** `ipam`; undefined without a type, which is how a network says that it has no addresses. */
export const ipam = (program: string): Decoder<Ipam | undefined> => {
  const section = struct({ type: checked(text, typeProblem(program)) })
  return (value) =>
    Result.map(section(value), ({ type }) => (type === undefined ? undefined : { type, overLink: type === "dhcp" }))
}
