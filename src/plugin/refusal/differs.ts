/** What CHECK answers where something is not as ADD left it. */
import { CniError, codes } from "../../cni/call/CniError.ts"

export const differs = (msg: string, details?: string): CniError =>
  new CniError({ code: codes.internal, msg, ...(details === undefined ? {} : { details }) })
