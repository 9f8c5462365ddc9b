/** Whether the short form of `test` can be done in the time that there is. */
import { isBuilt, part } from "./parts.ts"

/** Minutes on two cores: Kubernetes, Multus and the reference plugins from their sources; the start and the short checks. */
const [toBuild, toTest] = [15, 5]

/** undefined where so many minutes suffice; else in words why not. */
export const lacksTime = (minutes: number): string | undefined => {
  const built = (["kubernetes", "multus", "plugins"] as const).every((name) => isBuilt(part(name)))
  const needed = toTest + (built ? 0 : toBuild)
  return minutes >= needed
    ? undefined
    : `${built ? "the short form may take" : "nothing is built yet, which with the short form may take"} ${needed} minutes, and there are ${minutes}`
}
