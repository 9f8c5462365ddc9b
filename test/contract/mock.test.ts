import { contract } from "./contract.ts"
import { mockWorld } from "./mockWorld.ts"

contract("the kernel in memory", mockWorld)
