/** What is refused by its form, before anything is looked up. */
import type { LinkSettings } from "../../link/LinkSpec.ts"
import { refuse } from "./Refusal.ts"

/** IFALIASZ - 1 */
const longestAlias = 255

const checkLength = (name: string): void => {
  if (Buffer.byteLength(name) > 15) refuse("ERANGE", "Attribute failed policy validation")
}

/** The lengths that the attribute policy allows. */
export const checkSettings = ({ name, alias }: LinkSettings): void => {
  if (name !== undefined) checkLength(name)
  if (alias !== undefined && Buffer.byteLength(alias) > longestAlias)
    refuse("ERANGE", "Attribute failed policy validation")
}

export const checkMtu = (mtu: number, min: number, max: number): void => {
  if (mtu < min || mtu > 0x7fffffff) refuse("EINVAL", "mtu less than device minimum")
  if (max > 0 && mtu > max) refuse("EINVAL", "mtu greater than device maximum")
}
