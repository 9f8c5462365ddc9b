/** The host's own links by which pods and node reach each other. */
import { hostAccessOf } from "../node/hostAccess.ts"
import type { Inventory } from "../node/inventory.ts"
import { type Finding, fine, note, wrong } from "./Finding.ts"

const check = "host access"

/** None where no network has `"hostAccess": true`. */
export const hostAccess = (inventory: Inventory): ReadonlyArray<Finding> =>
  hostAccessOf(inventory).flatMap(({ link, master, routes }) => {
    const where = `${link.name} on ${master}`
    const stale = routes.filter(({ attachment }) => attachment === undefined)
    return [
      link.up
        ? fine(check, `${where}: ${routes.length === 1 ? "1 route" : `${routes.length} routes`} to pods`)
        : wrong(
            check,
            `${where} is down, so that pods and this node do not reach each other`,
            `ip link set ${link.name} up`
          ),
      ...stale.map(({ destination }) =>
        note(check, `the route to ${destination} by ${where} is no attachment's that is seen here`, "GC takes it away")
      ),
      ...(routes.length === 0 ? [note(check, `${where} has no route to any pod`, "GC takes it away")] : [])
    ]
  })
