import type { LinkKind } from "../../src/link/LinkKind.ts"

type Registry = typeof import("../../src/link/kinds.ts")

/**
 * The registry with the line that a new kind needs, whether or not it has a kind of that name by now. For `vi.mock` of
 * src/link/kinds.ts.
 */
export const registryWith = async (original: () => Promise<Registry>, kind: LinkKind): Promise<Registry> => {
  const registry = await original()
  const kinds: ReadonlyArray<LinkKind> = [...registry.kinds.filter((one) => one.kind !== kind.kind), kind]
  return { ...registry, kinds, kindByName: (name: string) => kinds.find((one) => one.kind === name) }
}
