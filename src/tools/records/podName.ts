/** How the tools name a pod. */
import type { Pod } from "./records.ts"

/** `shop/web-0`; without its namespace where nothing on the node knows it. */
export const podName = ({ namespace, name }: Pod): string => (namespace === undefined ? name : `${namespace}/${name}`)
