/** Names of links (`dev_valid_name`, `dev_prep_valid_name` in net/core/dev.c). */
import { refuse } from "./Refusal.ts"
import type { NetnsState } from "./state.ts"

/** Byte values for which the kernel's isspace() is true; it reads names as Latin-1. */
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0xa0 || (byte >= 9 && byte <= 13)

/** Whether a link can be called that. */
const isName = (name: string): boolean => {
  const bytes = Buffer.from(name)
  return (
    bytes.length > 0 &&
    bytes.length <= 15 &&
    name !== "." &&
    name !== ".." &&
    !bytes.some((byte) => byte === 0x2f || byte === 0x3a || isSpace(byte))
  )
}

/** The name as the link will have it: `eth%d` asks for the lowest free number. Refuses one that is taken. */
export const freeName = (netns: NetnsState, name: string, extack?: string): string => {
  if (!isName(name)) return refuse("EINVAL", extack)
  const used = new Set(Array.from(netns.links.values(), (link) => link.name))
  if (!name.includes("%")) return used.has(name) ? refuse("EEXIST", extack) : name
  if (!/^[^%]*%d[^%]*$/.test(name)) return refuse("EINVAL", extack)
  for (let n = 0; ; n++) {
    const candidate = name.replace("%d", String(n))
    if (!used.has(candidate)) return Buffer.byteLength(candidate) > 15 ? refuse("EINVAL", extack) : candidate
  }
}
