import { describe } from "vitest"
import { hasMacvtap } from "../lab/machine.ts"
import { contract } from "./contract.ts"
import { liveWorld } from "./liveWorld.ts"

describe.skipIf(!hasMacvtap)("on this machine", () => contract("the real kernel", liveWorld))
