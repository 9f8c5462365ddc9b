import { readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { generateApi } from "../../scripts/generate-api.ts"
import { AllocateResponse, ListAndWatchResponse, RegisterRequest } from "../../src/device-plugin/api/v1beta1.ts"

const bytes = (encoder: { finish: () => Uint8Array }): string => Buffer.from(encoder.finish()).toString("hex")

describe("the kubelet's API", () => {
  it("is what its .proto says: making it again changes nothing", () => {
    const checkedIn = readFileSync(new URL("../../src/device-plugin/api/v1beta1.ts", import.meta.url), "utf8")
    assert.strictEqual(generateApi(), checkedIn)
  })

  // Tag and length by hand from Kubernetes' field numbers, so that a slip in our .proto is not its own witness.
  it("has the official field numbers", () => {
    const options = { preStartRequired: true, getPreferredAllocationAvailable: true }
    assert.strictEqual(
      bytes(RegisterRequest.encode({ version: "v", endpoint: "e", resourceName: "r", options })),
      "0a0176" + "120165" + "1a0172" + "2204" + "0801" + "1001"
    )
    assert.strictEqual(
      bytes(
        ListAndWatchResponse.encode({
          devices: [{ ID: "d", health: "h", topology: { nodes: [{ ID: 0 }, { ID: 1 }] } }]
        })
      ),
      "0a0e" + "0a0164" + "120168" + "1a06" + "0a00" + "0a020801"
    )
    assert.strictEqual(
      bytes(
        AllocateResponse.encode({
          containerResponses: [
            {
              devices: [{ containerPath: "c", hostPath: "h", permissions: "rw" }],
              envs: { k: "v" },
              mounts: [],
              annotations: {},
              cdiDevices: []
            }
          ]
        })
      ),
      "0a14" + "0a06" + "0a016b" + "120176" + "1a0a" + "0a0163" + "120168" + "1a027277"
    )
  })
})
